"""Object stores: places that keep immutable bytes under keys, such as a local folder."""
