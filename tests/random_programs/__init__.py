"""Random programs: what writes them, what runs them, and what tells two runs apart."""
