// Uses the API of smsplus as a stranger does: with a client that openapi-client-axios makes of
// the description, and nothing else. It writes the ID of a message that it triggered, waits for a
// line, and then writes what it found as JSON.
//
//   node client.js http://127.0.0.1:8080/sms-plus/openapi.json 'Bearer 5f3c'
const { OpenAPIClientAxios } = require('openapi-client-axios');

(async () => {
  const [url, authorization] = process.argv.slice(2);
  const definition = await (await fetch(url, { headers: { authorization } })).json();
  const api = new OpenAPIClientAxios({
    definition,
    withServer: { url: new URL(definition.servers[0].url, url).href.replace(/\/$/, '') },
    axiosConfigDefaults: { headers: { authorization }, validateStatus: () => true },
  });
  const client = await api.init();

  const trigger = { template: 'otp', to: { phone: '+886900000000' }, vars: { code: '135790' }, reference: 'order-17' };
  const key = { 'Idempotency-Key': '"order-17"' };
  const first = await client.trigger(key, trigger);
  const again = await client.trigger(key, trigger);
  const other = await client.trigger(key, { ...trigger, vars: { code: '246802' } });
  const located = await fetch(new URL(first.headers.location, `${api.getBaseURL()}/messages`), { headers: { authorization } });
  console.log(first.data.id);
  await new Promise((resolve) => process.stdin.once('data', resolve));

  const { id } = first.data;
  const batch = await client.triggerMany(null, { triggers: [trigger, trigger] });
  const wrong = await client.trigger(null, { ...trigger, to: { phone: '0912345678' }, extra: 1 });
  const canceled = await client.cancelMessage(batch.data.ids[0]);
  const conflict = await client.cancelMessage(id);
  console.log(JSON.stringify({
    again: again.data.id === id,
    other: [other.status, other.data.code],
    located: (await located.json()).id === id,
    message: (await client.getMessage(id)).data.status,
    listed: (await client.listMessages({ template: 'otp', range: 'today', size: 2 })).data.messages.length,
    searched: (await client.searchMessages(null, { reference: 'order-17' })).data.messages.length,
    found: (await client.find(null, { text: id })).data.matches[0].kind,
    counted: (await client.getStatistics({ by: 'template,channel' })).data.rows[0].delivered,
    wrong: [wrong.status, wrong.headers['content-type'], wrong.data.errors.map((e) => e.pointer)],
    canceled: canceled.status,
    conflict: [conflict.status, conflict.data.code],
  }));
  process.exit(0);
})().catch((err) => {
  console.error(err);
  process.exit(1);
});
