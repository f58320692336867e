"""Side-by-side measurements that anyone can rerun: one file a benchmark, its data loader beside it. See README.md."""
