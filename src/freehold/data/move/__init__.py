"""A whole database brought from a source to a database of ours: counted, compared, and able to go on after any end."""
