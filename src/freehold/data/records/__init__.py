"""Records of a Base44 app, from its API or from exports, into the entities' tables; compared by ids at the end."""
