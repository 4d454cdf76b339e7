"""Lock files of the programs that Freehold installs from npm. They name no server, so that any registry will do."""
