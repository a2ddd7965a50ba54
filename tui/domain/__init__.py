"""Models and pure rules. Nothing here does input or output, and nothing here is asynchronous."""
