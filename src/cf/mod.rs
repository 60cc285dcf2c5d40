//! Floor 2: NetCDF in and out, by the CF conventions: packing, calendars, writers. The only room that knows the netcdf crate.
