"""The server: uvicorn with deadlines and limits."""
