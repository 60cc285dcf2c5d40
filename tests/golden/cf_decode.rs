//! Family `cf_decode`: packing, masks, file formats and calendars, against netCDF4-python and cftime.

use isotherm::cf::{Dataset, TimeUnits};

use crate::support::{self, Case, Family};

fn decode(case: &Case, variable: &str) -> Result<Vec<f64>, String> {
    let path = case.path("file");
    let dataset = Dataset::open(&path).map_err(|e| e.to_string())?;
    let decoded = dataset.read(variable).map_err(|e| e.to_string())?;
    for (value, valid) in decoded.values.iter().zip(&decoded.valid) {
        assert_eq!(value.is_nan(), !valid, "{}: NaN exactly where masked", case.name);
    }
    Ok(decoded.values)
}

#[test]
fn every_case() {
    let family = Family::load("cf_decode");
    let (mut packed, mut formats, mut times) = (0, 0, 0);
    for case in family.cases() {
        if case.name.starts_with("time/") {
            times += 1;
            check_time(&case);
        } else if case.name.starts_with("format/") {
            formats += 1;
            case.check("analysed_sst", &decode(&case, "analysed_sst").expect(case.name), case.expected("analysed_sst"));
        } else {
            packed += 1;
            check_packing(&case);
        }
    }
    assert!(packed > 0 && formats > 0 && times > 0, "each kind of case is there");
}

fn check_packing(case: &Case) {
    let want = case.expected("netcdf4");
    let got = decode(case, "v");
    if support::is_error(want) {
        let sentence = got.expect_err(case.name);
        assert!(sentence.contains("a number is wanted"), "{}: {sentence}", case.name);
        return;
    }
    case.check("values", &got.expect(case.name), &want["values"]);
    let path = case.path("file");
    let raw = Dataset::open(&path).and_then(|d| d.raw("v")).expect(case.name).to_f64().expect("numbers");
    let stored = support::array(case.input("raw"));
    assert_eq!(raw.len(), stored.data.len());
    for (i, (got, want)) in raw.iter().zip(&stored.data).enumerate() {
        // Arrays of the golden files carry 13 significant digits at least; integers are exact.
        let same = got == want || (got.is_nan() && want.is_nan()) || (got - want).abs() <= 1e-12 * want.abs();
        assert!(same, "{} raw[{i}]: got {got}, want {want}", case.name);
    }
}

fn check_time(case: &Case) {
    let text = |key: &str| case.parameter(key).as_str().expect("text").to_string();
    let units = TimeUnits::parse(&text("units"), &text("calendar"));
    let want = case.expected("dates");
    if support::is_error(want) {
        assert!(units.is_err(), "{}: the peer refuses {want}", case.name);
        return;
    }
    let units = units.expect(case.name);
    let values = support::array(case.input("values")).data;
    let want = want.as_array().expect("dates");
    assert_eq!(values.len(), want.len());
    for (value, want) in values.iter().zip(want) {
        let date = units.date(*value).expect(case.name);
        assert_eq!(date.to_string(), want.as_str().expect("date"), "{} at {value}", case.name);
        let back = units.encode(&date).expect(case.name);
        assert!((back - value).abs() <= 1e-9 * value.abs().max(1.0), "{}: {value} encodes as {back}", case.name);
    }
}
