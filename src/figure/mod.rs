//! Floor 4: scatter plots, maps, colour maps, passports. The only room that knows plotters.
