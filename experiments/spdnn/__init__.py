"""Studies of the Sparse DNN Graph Challenge."""
