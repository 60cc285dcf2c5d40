//! The overview of the data: what the twin and the real fields look like.

use crate::figure::{ColourMap, MapPanel, MapStyle, Tier, draw_maps};
use crate::grid::Unit;
use crate::paper::PaperResult;
use crate::paper::products;
use crate::paper::step::{Step, StepContext};

/// The twin's day on the maps. An early one: the clouds of a day are made from those before it.
const DAY: usize = 40;

/// The step.
pub const STEP: Step = Step {
    name: "data_overview",
    about: "figures/data_overview.png: the twin, its instruments, and the real fields",
    rooms: &[&[
        "src/base/",
        "src/grid/",
        "src/cf/",
        "src/data/",
        "src/figure/",
        "assets/",
        "src/paper/products.rs",
        "src/paper/steps/overview.rs",
        "src/paper/steps/twin.rs",
    ]],
    configurations: &[],
    needs: &["twin"],
    data: &[products::BLACK_SEA_SST, products::MEDITERRANEAN_ADT],
    publishes: &[
        ("data_overview.png", "figures/data_overview.png"),
        ("data_overview.svg", "figures/data_overview.svg"),
        ("data_overview.json", "figures/data_overview.json"),
    ],
    run,
};

fn run(context: &StepContext<'_>) -> PaperResult<()> {
    let twin = super::twin::open(context)?;
    let one = |field: &crate::grid::Field| products::frames(field, &[DAY]).map_err(|e| context.error(e));
    let (truth, coarse) = (one(twin.truth())?, one(&twin.coarse_analysis().map_err(|e| context.error(e))?)?);
    let fine = one(&twin.fine_analysis().map_err(|e| context.error(e))?)?;
    let cloud = twin.liquid_water_path(DAY..DAY + 1, 1).map_err(|e| context.error(e))?;
    let black_sea = products::read_field(context, products::BLACK_SEA_SST)?;
    let mediterranean = products::read_field(context, products::MEDITERRANEAN_ADT)?;
    let panel = |title: &str, field, colour_map, range, quantity: &str, unit| MapPanel {
        title: title.into(),
        field,
        frame: 0,
        colour_map,
        range,
        quantity: quantity.into(),
        unit,
    };
    let panels = [
        panel("Twin: truth", &truth, ColourMap::Thermal, None, "SST", Unit::Celsius),
        panel("Twin: coarse analysis", &coarse, ColourMap::Thermal, None, "SST", Unit::Celsius),
        panel("Twin: fine analysis", &fine, ColourMap::Thermal, None, "SST", Unit::Celsius),
        panel("Twin: cloud", &cloud, ColourMap::Viridis, None, "liquid water path", Unit::GramPerSquareMetre),
        panel("Black Sea, 2016-07-07", &black_sea, ColourMap::Thermal, Some((22.0, 28.0)), "SST", Unit::Celsius),
        panel("Mediterranean, 2005-04-01", &mediterranean, ColourMap::Viridis, None, "dynamic topography", Unit::Metre),
    ];
    let passport = context.passport("data_overview", vec![Tier::Twin, Tier::Real, Tier::Proxy], 0, serde_json::Value::Null)?;
    draw_maps(&panels, &MapStyle::default(), &context.path("data_overview"), &passport).map_err(|e| context.error(e))?;
    Ok(())
}
