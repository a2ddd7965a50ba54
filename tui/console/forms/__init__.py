"""Forms derived from the pydantic models: what is asked, and how what was typed becomes data. No widgets here."""
