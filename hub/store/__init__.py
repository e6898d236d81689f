"""Everything that touches the hub's database. Each function is one transaction on a connection it is given."""
