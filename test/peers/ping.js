// Repeats each line of standard input on standard output. It is the simplest peer.
console.log('ready');
require('readline').createInterface({ input: process.stdin }).on('line', (line) => console.log(line));
