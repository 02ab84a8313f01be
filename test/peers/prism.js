// Serves an OpenAPI description with Prism. It refuses requests that do not match the
// description, and answers others with its examples. The first line is its address.
//
//   node prism.js line/messaging-api.yml
const { createLogger } = require('@stoplight/prism-core');
const { getHttpOperationsFromSpec } = require('@stoplight/prism-http');
const { createServer } = require('@stoplight/prism-http-server');

(async () => {
  const server = createServer(await getHttpOperationsFromSpec(process.argv[2]), {
    cors: false,
    components: { logger: createLogger('prism', { enabled: false }) },
    config: {
      isProxy: false,
      validateRequest: true,
      validateResponse: true,
      checkSecurity: true,
      errors: true, // a request that does not match gets no example
      mock: { dynamic: false },
    },
  });
  console.log(await server.listen(0, '127.0.0.1'));
})().catch((err) => {
  console.error(err);
  process.exit(1);
});
