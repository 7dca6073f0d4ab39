import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { METRICS_CONTENT_TYPE, mergeMetrics } from '../observe/metrics.ts'

/** A scrape that sends its request slower than this is cut off. */
const REQUEST_MS = 10_000

/** Serves `GET /metrics` for Prometheus on `address` (`HOST:PORT`, IPv6 in brackets). Resolves when it listens. */
export async function openMetricsListener(
  address: string,
  collect: () => Promise<readonly object[][]>,
): Promise<Server> {
  const { host, port } = parseAddress(address)
  const server = createServer({ requestTimeout: REQUEST_MS, headersTimeout: REQUEST_MS }, (request, response) => {
    if (request.method !== 'GET' || request.url?.split('?')[0] !== '/metrics') {
      response.writeHead(404, { 'content-type': 'text/plain' }).end('Not found; metrics are at /metrics\n')
      return
    }
    collect()
      .then(mergeMetrics)
      .then(
        (text) => response.writeHead(200, { 'content-type': METRICS_CONTENT_TYPE }).end(text),
        () => response.writeHead(500, { 'content-type': 'text/plain' }).end('Metrics could not be collected\n'),
      )
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, resolve)
  })
  return server
}

/** Where a listener really is, for the ready line. */
export function boundPort(server: Server): number {
  return (server.address() as AddressInfo).port
}

function parseAddress(text: string): { host: string; port: number } {
  const match = /^(?:\[([^\]]+)\]|([^:]*)):(\d+)$/.exec(text)
  const port = Number(match?.[3])
  if (match === null || port > 65535) throw new Error(`postern_metrics_listen: not an address and port: ${text}`)
  return { host: match[1] ?? (match[2] === '' ? '127.0.0.1' : (match[2] ?? '')), port }
}
