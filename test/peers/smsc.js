// An SMSC by node-smpp, for the tests of channel/sms/smpp. With the files of a key and a
// certificate as arguments it uses TLS. It writes its port as the first line, and then
// each event in JSON. The last two digits of a number choose the answer to a message. It
// reads the commands below, one a line, and applies each to every session.
const fs = require('fs');
const smpp = require('smpp');

const [key, cert] = process.argv.slice(2).map((name) => fs.readFileSync(name));
const sessions = new Set();
const states = new Map(); // the source and the final state of messages, by ID
const parts = new Map(); // parts of long messages, by reference
let mute = false;
let ids = 0;

const say = (event) => console.log(JSON.stringify(event));

function report(session, pdu, id, stat, state) {
  session.deliver_sm({
    source_addr: pdu.destination_addr,
    destination_addr: pdu.source_addr,
    esm_class: 4,
    short_message: `id:${id} sub:001 dlvrd:001 submit date:2611230844 done date:2611230844 stat:${stat} err:000 text:stat:NONE`,
    receipted_message_id: id,
    message_state: state,
  }, (resp) => {
    say({ report: id, status: resp.command_status });
    if (resp.command_status !== 0) setTimeout(report, 20, session, pdu, id, stat, state);
  });
}

const answers = {
  undeliverable(session, pdu, id) {
    session.send(pdu.response({ message_id: id }));
    report(session, pdu, id, 'UNDELIV', 5);
  },
  early(session, pdu, id) { // the receipt comes before the answer
    report(session, pdu, id, 'DELIVRD', 2);
    session.send(pdu.response({ message_id: id }));
  },
  throttle(session, pdu) { session.send(pdu.response({ command_status: smpp.ESME_RTHROTTLED })); },
  cut(session) { session.destroy(); },
  hold(session, pdu, id) { // until an unbind was asked for
    session.once('unbind_sent', () => session.send(pdu.response({ message_id: id })));
  },
  take(session, pdu, id) {
    session.send(pdu.response({ message_id: id }));
    if (pdu.registered_delivery) report(session, pdu, id, 'DELIVRD', 2);
  },
};
const chosen = { 21: 'undeliverable', 22: 'early', 23: 'throttle', 24: 'cut', 25: 'hold' };

// text returns a message's text when its last part has arrived.
function text(pdu) {
  const { udh, message } = pdu.short_message;
  if (pdu.message_payload) return pdu.message_payload.message;
  let ref, total, number;
  if (udh) {
    [ref, total, number] = udh[0].length === 6 ? [udh[0].readUInt16BE(2), udh[0][4], udh[0][5]] : udh[0].slice(2);
  } else if (pdu.sar_total_segments) {
    [ref, total, number] = [pdu.sar_msg_ref_num, pdu.sar_total_segments, pdu.sar_segment_seqnum];
  } else {
    return message;
  }
  const known = parts.get(ref) || [];
  known[number - 1] = message;
  parts.set(ref, known);
  return known.filter(() => true).length === total ? known.join('') : undefined;
}

function serve(session) {
  sessions.add(session);
  session.on('close', () => sessions.delete(session));
  session.on('error', () => {}); // without a handler node exits
  session.on('bind_transceiver', (pdu) => {
    say({ bind: pdu.system_id, version: pdu.interface_version });
    if (pdu.password !== 'secret') {
      session.send(pdu.response({ command_status: smpp.ESME_RINVPASWD })); // without a body
      session.close();
      return;
    }
    session.send(pdu.response({ system_id: 'node-smpp' }));
  });
  session.on('submit_sm', (pdu) => {
    if (mute) return;
    const id = `00A${(++ids).toString(16).toUpperCase()}`;
    states.set(id, { source: pdu.source_addr, state: pdu.destination_addr.endsWith('21') ? 5 : 2 });
    const whole = text(pdu);
    if (whole !== undefined) {
      say({ text: whole, to: pdu.destination_addr, from: pdu.source_addr, coding: pdu.data_coding, validity: pdu.validity_period });
    }
    answers[chosen[pdu.destination_addr.slice(-2)] || 'take'](session, pdu, id);
  });
  session.on('query_sm', (pdu) => {
    const known = states.get(pdu.message_id);
    if (!known || known.source !== pdu.source_addr) {
      session.send(pdu.response({ command_status: smpp.ESME_RQUERYFAIL }));
      return;
    }
    session.send(pdu.response({ message_id: pdu.message_id, final_date: new Date(), message_state: known.state, error_code: known.state === 5 ? 69 : 0 }));
  });
  session.on('cancel_sm', (pdu) => {
    const known = states.get(pdu.message_id);
    const refused = !known || known.source !== pdu.source_addr ? smpp.ESME_RINVMSGID : known.state === 5 ? 0 : smpp.ESME_RCANCELFAIL;
    say({ canceled: pdu.message_id, from: pdu.source_addr });
    session.send(pdu.response({ command_status: refused }));
  });
  session.on('enquire_link', (pdu) => {
    if (!mute) session.send(pdu.response());
  });
  session.on('generic_nack', (pdu) => say({ nack: pdu.command_status, sequence: pdu.sequence_number }));
  session.on('unbind', (pdu) => {
    say({ unbind: true });
    session.send(pdu.response());
    session.close();
  });
}

const commands = {
  unbind(session) {
    session.unbind(() => {
      say({ unbound: true });
      session.close();
    });
    session.emit('unbind_sent');
  },
  enquire(session) { session.enquire_link(() => say({ alive: true })); },
  write(session) { // a message from a person
    session.deliver_sm({ source_addr: '886900000001', short_message: 'STOP' }, (resp) => say({ wrote: resp.command_status }));
  },
  unknown(session) { session.socket.write(Buffer.from('00000011000001110000000080000001ff', 'hex')); },
  mute() { mute = true; },
  cut(session) { session.destroy(); },
};

const server = key ? smpp.createServer({ key, cert }, serve) : smpp.createServer(serve);
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
require('readline').createInterface({ input: process.stdin })
  .on('line', (line) => sessions.forEach(commands[line]))
  .on('close', () => process.exit()); // the parent has ended
