"""How other people's programs are run: in groups that end with us, in folders that harm no tool."""
