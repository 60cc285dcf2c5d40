//! Which addresses a fetch asks, and under which names their answers are kept.

use chrono::NaiveDate;

use super::access::{Access, Step};
use super::error::{DataError, DataResult};
use super::fetch::FetchOptions;
use super::manifest::{Manifest, is_inside};
use super::pattern::{days, encode_constraint, fill};
use super::subset::{Erddap, GeoBox, erddap_url, opendap_constraint};

/// One file to get: addresses to try in turn.
pub(super) struct Item {
    pub candidates: Vec<Candidate>,
}

/// An address, and where its answer goes in the product's folder.
#[derive(Debug, PartialEq)]
pub(super) struct Candidate {
    pub url: String,
    pub member: String,
}

/// The files of the period, box and parameters asked for.
pub(super) fn items(manifest: &Manifest, access: &Access, options: &FetchOptions) -> DataResult<Vec<Item>> {
    let step = match access {
        Access::Https { step, .. } | Access::Opendap { step, .. } | Access::ApiKey { step, .. } => *step,
        Access::Erddap { .. } => Step::Day,
        Access::PypiWheel { .. } | Access::Manual { .. } => return Ok(Vec::new()),
    };
    let content = |problem: String| DataError::Content { what: manifest.id.clone(), problem };
    let days: Vec<Option<NaiveDate>> = match step {
        Step::Once => vec![options.from],
        step => {
            period(manifest, options).map(|(from, to)| days(step, from, to)).map_err(content)?.into_iter().map(Some).collect()
        }
    };
    days.into_iter()
        .map(|day| candidates(manifest, access, options, day).map(|candidates| Item { candidates }).map_err(content))
        .collect()
}

fn period(manifest: &Manifest, options: &FetchOptions) -> Result<(NaiveDate, NaiveDate), String> {
    let (from, to) = match (options.from, options.to) {
        (Some(from), Some(to)) => (from, to),
        (Some(day), None) | (None, Some(day)) => (day, day),
        (None, None) => return Err("has one file per date; give a period with --from DAY --to DAY".into()),
    };
    if from > to {
        return Err(format!("the period {from} to {to} ends before it begins"));
    }
    if manifest.period.from.is_some_and(|first| to < first) || manifest.period.to.is_some_and(|last| from > last) {
        let show = |day: Option<NaiveDate>| day.map_or("now".to_string(), |d| d.to_string());
        return Err(format!("covers {} to {}, not {from} to {to}", show(manifest.period.from), show(manifest.period.to)));
    }
    // what lies outside is not there to be asked for
    Ok((manifest.period.from.map_or(from, |f| f.max(from)), manifest.period.to.map_or(to, |t| t.min(to))))
}

fn candidates(
    manifest: &Manifest,
    access: &Access,
    options: &FetchOptions,
    day: Option<NaiveDate>,
) -> Result<Vec<Candidate>, String> {
    let parameters = &options.parameters;
    let made = match access {
        Access::Https { url, fallback_urls, segments, .. } => std::iter::once(url)
            .chain(fallback_urls)
            .map(|pattern| {
                let url = fill(pattern, day, segments, parameters)?;
                let member = file_name(&url).to_string();
                Ok(Candidate { url, member })
            })
            .collect::<Result<Vec<_>, String>>()?,
        Access::ApiKey { url, save_as, .. } => {
            vec![Candidate { url: fill(url, day, &[], parameters)?, member: fill(save_as, day, &[], parameters)? }]
        }
        Access::Erddap { server, dataset, variables, levels, time_of_day, latitudes, longitudes, .. } => {
            let (day, area) = (day.ok_or("needs a day")?, options.area.ok_or("needs a --box")?);
            let (latitudes, longitudes) = (*latitudes, *longitudes);
            let erddap = Erddap { server, dataset, variables, levels, time_of_day, latitudes, longitudes };
            let member = format!("{dataset}_{}_{}.nc", day.format("%Y%m%d"), box_name(&area));
            vec![Candidate { url: erddap_url(&erddap, day, &area)?, member }]
        }
        Access::Opendap { url, response, variables, coordinates, times, segments, .. } => {
            let area = options.area.ok_or("needs a --box")?;
            let grid = manifest.grid.as_ref().ok_or("has no [grid] in its manifest")?;
            let address = fill(url, day, segments, parameters)?;
            let constraint = opendap_constraint(grid, coordinates, variables, *times, &area)?;
            if response.is_empty() {
                return Err(format!(
                    "its server speaks OPeNDAP only and gives no NetCDF files; with the NetCDF tools: nccopy '{address}?{constraint}' \
                     {}_{}.nc, put into the product's folder (the constraint takes the first times; change their indices)",
                    manifest.id,
                    box_name(&area)
                ));
            }
            let name = file_name(&address);
            let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
            let member = format!("{stem}_{}.nc", box_name(&area));
            vec![Candidate { url: format!("{address}{response}?{}", encode_constraint(&constraint)), member }]
        }
        Access::PypiWheel { .. } | Access::Manual { .. } => Vec::new(),
    };
    match made.iter().find(|c| !is_inside(&c.member)) {
        Some(bad) => Err(format!("'{}' is no name for a file; correct the manifest or the --set value", bad.member)),
        None => Ok(made),
    }
}

/// The last part of an address's path.
fn file_name(url: &str) -> &str {
    let path = url.split(['?', '#']).next().unwrap_or(url);
    path.rsplit('/').next().unwrap_or(path)
}

fn box_name(area: &GeoBox) -> String {
    area.text().replace(',', "_")
}

#[cfg(test)]
mod tests {
    use super::super::registry::find_manifest;
    use super::*;

    fn day(text: &str) -> Option<NaiveDate> {
        Some(text.parse().unwrap())
    }

    fn first(id: &str, options: &FetchOptions) -> Result<Candidate, String> {
        let manifest = find_manifest(id).unwrap();
        let access = manifest.access.iter().find(|a| a.subsets() == options.area.is_some()).unwrap();
        let mut all = items(&manifest, access, options).map_err(|e| e.to_string())?;
        Ok(all.remove(0).candidates.remove(0))
    }

    /// The addresses as the providers publish them.
    #[test]
    fn addresses_of_known_files() {
        let options = FetchOptions { from: day("2019-07-04"), ..FetchOptions::default() };
        assert_eq!(
            first("oisst-v2.1", &options).unwrap().url,
            "https://www.ncei.noaa.gov/data/sea-surface-temperature-optimum-interpolation/v2.1/access/avhrr/201907/\
             oisst-avhrr-v02r01.20190704.nc"
        );
        let merra = |date| first("merra2-aerosol", &FetchOptions { from: day(date), ..FetchOptions::default() }).unwrap().url;
        assert!(merra("2019-07-04").ends_with("/2019/07/MERRA2_400.tavg1_2d_aer_Nx.20190704.nc4"));
        assert!(merra("2020-09-15").ends_with("/2020/09/MERRA2_401.tavg1_2d_aer_Nx.20200915.nc4"));
        assert!(merra("2020-10-01").contains("MERRA2_400"));
        assert!(merra("1991-12-31").contains("MERRA2_100"));
        assert!(merra("2001-01-01").contains("MERRA2_300"));
        let buoy = FetchOptions {
            parameters: [("station".to_string(), "46042".to_string())].into(),
            from: day("2015-06-01"),
            ..FetchOptions::default()
        };
        assert_eq!(first("ndbc-stdmet", &buoy).unwrap().member, "46042h2015.txt.gz");
        assert!(first("ndbc-stdmet", &options).unwrap_err().contains("--set station="));
    }

    #[test]
    fn subsets_go_to_the_servers_that_cut() {
        let area = Some("-20,0,70,45".parse().unwrap());
        let options = FetchOptions { from: day("2006-01-01"), area, ..FetchOptions::default() };
        let merra = first("merra2-aerosol", &options).unwrap();
        assert!(
            merra.url.contains(".nc4.nc4?") && merra.url.contains("DUEXTTAU%5B0:23%5D%5B180:270%5D%5B256:400%5D"),
            "{merra:?}"
        );
        assert_eq!(merra.member, "MERRA2_300.tavg1_2d_aer_Nx.20060101_-20_0_70_45.nc");
        assert!(first("mur-v4.1", &options).unwrap().url.contains("jplMURSST41.nc?analysed_sst%5B(2006-01-01T09:00:00Z)%5D"));
        assert!(first("g5nr-aerosol", &options).unwrap_err().contains("duexttau[0:0][1440:2160][2560:4000]"));
    }

    #[test]
    fn periods_are_checked() {
        let ask =
            |from: &str, to: &str| first("oisst-v2.1", &FetchOptions { from: day(from), to: day(to), ..FetchOptions::default() });
        assert!(ask("1970-01-01", "1970-01-02").unwrap_err().contains("covers 1981-09-01 to now"));
        assert!(ask("2000-01-02", "2000-01-01").unwrap_err().contains("ends before"));
        assert!(ask("1981-01-01", "1981-09-02").unwrap().url.contains("19810901"));
        assert!(first("oisst-v2.1", &FetchOptions::default()).unwrap_err().contains("--from"));
    }
}
