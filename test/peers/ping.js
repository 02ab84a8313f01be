// Answers each line of standard input with the same line: the simplest peer.
console.log('ready');
require('readline').createInterface({ input: process.stdin }).on('line', (line) => console.log(line));
