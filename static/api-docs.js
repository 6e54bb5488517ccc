// Draws /api/docs from our own schema, with files of our own server only.
"use strict";

const place = document.getElementById("api");

SwaggerUIBundle({
  url: place.dataset.schema,
  domNode: place,
  deepLinking: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  filter: true,
  persistAuthorization: false,
  // The default asks a foreign host about the schema.
  validatorUrl: null,
});
