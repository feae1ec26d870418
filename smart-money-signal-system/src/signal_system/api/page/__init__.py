"""The live page: its own HTML, CSS and JavaScript, served from here and from nowhere else."""
