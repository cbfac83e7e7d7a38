// An event bus that takes everything and counts each notification once: `node bench/aws_sink.mjs PORT`. GET answers the
// counts.
import http from 'node:http';

const ids = new Set();
let entries = 0;
const mark = '\\"notification_id\\":\\"'; // in a text within the call's JSON

http.createServer((request, response) => {
  if (request.method === 'GET') {
    response.end(JSON.stringify({ entries, notifications: ids.size }));
    return;
  }
  let body = '';
  request.setEncoding('latin1').on('data', (text) => { body += text; }).on('end', () => {
    const results = [];
    for (let at = body.indexOf(mark); at >= 0; at = body.indexOf(mark, at + 1)) {
      const id = body.slice(at + mark.length, at + mark.length + 36);
      ids.add(id);
      results.push({ EventId: id });
    }
    entries += results.length;
    response.setHeader('Content-Type', 'application/x-amz-json-1.1');
    response.end(JSON.stringify({ FailedEntryCount: 0, Entries: results }));
  });
}).listen(Number(process.argv[2]), '127.0.0.1');
