"""The papers' tables, their claims, and what stands beside them: measured, committed, drawn."""
