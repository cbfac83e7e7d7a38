// Addresses are relative to the page, so that it works behind a proxy that adds a prefix.
SwaggerUIBundle({
  url: 'openapi.json',
  dom_id: '#swagger-ui',
  deepLinking: true,
  displayRequestDuration: true,
  validatorUrl: null, // it would send our description elsewhere
});
