"""Work in processes of their own, which may crash or hang: any room of ml may use them, they know none."""
