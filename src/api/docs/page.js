const FORM = "application/x-www-form-urlencoded";

// The page shows the first kind of body: a form has a field for each parameter, JSON one text for all of them.
// It fills each field in, with something made up where the description has no example: those are to stay empty.
const withForms = (description) => {
  for (const path of Object.values(description.paths ?? {})) {
    for (const { requestBody } of Object.values(path)) {
      const form = requestBody?.content?.[FORM];
      if (form) {
        const name = form.schema.$ref.split("/").pop();
        const schema = structuredClone(description.components.schemas[name]);
        for (const property of Object.values(schema.properties)) {
          property.examples ??= [property.type === "array" ? [] : ""];
        }
        const { [FORM]: _, ...others } = requestBody.content;
        requestBody.content = { [FORM]: { ...form, schema }, ...others };
      }
    }
  }
  return description;
};

window.ui = SwaggerUIBundle({
  // A relative address: the page works under any host, port and path.
  url: "openapi.json",
  dom_id: "#swagger-ui",
  presets: [SwaggerUIBundle.presets.apis],
  plugins: [
    { statePlugins: { spec: { wrapActions: { updateJsonSpec: (update) => (json) => update(withForms(json)) } } } },
    // An empty field is not sent, and nobody is asked whether it should be.
    { components: { ParameterIncludeEmpty: () => null } },
  ],
  layout: "BaseLayout",
  deepLinking: true,
  displayRequestDuration: true,
  // No badge that sends the document to a validator elsewhere.
  validatorUrl: null,
});
