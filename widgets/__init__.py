"""Pure views: they draw shown values, post what the person did, and know no I/O."""
