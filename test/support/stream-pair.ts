import type { Socket } from 'node:net'
import { test, type TestContext } from 'node:test'
import { SocketStream } from '../../src/net/socket-stream.ts'
import type { StreamSocket } from '../../src/net/stream-socket.ts'
import { barePair, skipWithoutBare } from './bare-pair.ts'
import { socketPair } from './socket-pair.ts'

/** A stream over the near end of a connection over loopback; the far end is a socket of Node. Gone after the test. */
export interface StreamPair {
  readonly stream: SocketStream
  readonly near: StreamSocket
  readonly far: Socket
}

export type OpenStreamPair = (t: TestContext, address?: string) => Promise<StreamPair>

/** What our end of a plain connection may be. A bare socket reads as a listener lets it. */
export const WAYS: readonly { readonly name: 'plain' | 'bare'; readonly skip: false | string; open: OpenStreamPair }[] =
  [
    {
      name: 'plain',
      skip: false,
      async open(t, address) {
        const { near, far } = await socketPair(t, address)
        return { stream: new SocketStream(near), near, far }
      },
    },
    {
      name: 'bare',
      skip: skipWithoutBare,
      async open(t, address) {
        const { near, far } = await barePair(t, 'accepted', address)
        const stream = new SocketStream(near, { onread: near })
        near.resume()
        return { stream, near, far }
      },
    },
  ]

/** Defines a test for each kind of socket. */
export function testEachWay(
  name: string,
  body: (t: TestContext, open: OpenStreamPair, way: 'plain' | 'bare') => Promise<void>,
  timeoutMs?: number,
): void {
  for (const { name: way, skip, open } of WAYS) {
    const options = { skip, ...(timeoutMs === undefined ? undefined : { timeout: timeoutMs }) }
    test(`${name}: ${way}`, options, async (t) => await body(t, open, way))
  }
}
