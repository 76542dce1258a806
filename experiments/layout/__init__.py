"""Layouts of the blocks: rows and pictures of the page docs/layout.md."""
