// Checks a call with the npm package standardwebhooks. Each line of standard input is a request
// in JSON, and each line of standard output is its response:
//
//   {"secret", "headers", "body"}  the data that the package returns, or its error  →  {"data"} or {"error"}
const { Webhook } = require('standardwebhooks');

const answer = ({ secret, headers, body }) => {
  try {
    return { data: new Webhook(secret).verify(body, headers).data };
  } catch (e) {
    return { error: e.message };
  }
};

require('readline')
  .createInterface({ input: process.stdin })
  .on('line', (line) => console.log(JSON.stringify(answer(JSON.parse(line)))));
