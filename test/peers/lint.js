// Lints an OpenAPI description with Redocly's recommended rules. It writes a line for each problem,
// and at last how many there are.
//
//   node lint.js ../../api/openapi.json
const { createConfig, lint } = require('@redocly/openapi-core');

(async () => {
  // Every application authorizes in its own way, so the description cannot say how.
  const config = await createConfig({ extends: ['recommended'], rules: { 'security-defined': 'off' } });
  const problems = await lint({ ref: process.argv[2], config });
  for (const p of problems) console.log(`${p.ruleId}: ${p.location[0].pointer}: ${p.message}`);
  console.log(`problems: ${problems.length}`);
})().catch((err) => {
  console.error(err);
  process.exit(1);
});
