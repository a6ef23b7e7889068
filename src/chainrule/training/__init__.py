"""Training on real data: tables to arrays, batches, the loop over epochs, progress, and the folder that keeps it."""
