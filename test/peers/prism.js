// Serves an OpenAPI description with Prism. It refuses requests that do not match the
// description, and answers others with its examples. The first line is its address.
//
//   node prism.js line/messaging-api.yml
//
// With the address of a server it passes requests on to that server, and refuses answers that do
// not match. With "answers" it checks the answers alone.
//
//   node prism.js ../../api/openapi.json http://127.0.0.1:8080 [answers]
const { createLogger } = require('@stoplight/prism-core');
const { getHttpOperationsFromSpec } = require('@stoplight/prism-http');
const { createServer } = require('@stoplight/prism-http-server');

(async () => {
  const [spec, upstream, checks] = process.argv.slice(2);
  const server = createServer(await getHttpOperationsFromSpec(spec), {
    cors: false,
    components: { logger: createLogger('prism', { enabled: false }) },
    config: {
      isProxy: upstream !== undefined,
      upstream: upstream && new URL(upstream),
      validateRequest: checks !== 'answers',
      validateResponse: true,
      checkSecurity: true,
      errors: true, // a request that does not match gets no example, and an answer is not passed on
      mock: { dynamic: false },
    },
  });
  console.log(await server.listen(0, '127.0.0.1'));
})().catch((err) => {
  console.error(err);
  process.exit(1);
});
