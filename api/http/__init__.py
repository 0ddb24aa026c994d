"""The service over HTTP: `api.http.app.create_app` and what stands around its routes."""
