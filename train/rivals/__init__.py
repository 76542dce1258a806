"""Networks of other people's programs, trained here on the same data, to stand beside ours."""
