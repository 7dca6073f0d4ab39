import { EventEmitter } from 'node:events'
import type { Duplex } from 'node:stream'
import type { StreamSocket } from './stream-socket.ts'

/**
 * Whoever a connection belongs to: first a dialogue, then the relay, at last its closing. A socket gets listeners once in its
 * life, and they tell the owner of the moment; handing it over is an assignment. (Taking listeners off and putting others on
 * at each turn cost more than the dialogue itself.)
 */
export interface SocketOwner {
  /** Not called for sockets with an `onread` hook. */
  socketData(chunk: Buffer): void
  socketEnded(): void
  socketFailed(error: Error): void
  socketClosed(): void
  socketDrained(): void
}

/** Nothing that happens matters any more; an error must not become an uncaught one. */
export const NOBODY: SocketOwner = {
  socketData() {},
  socketEnded() {},
  socketFailed() {},
  socketClosed() {},
  socketDrained() {},
}

const OWNER = Symbol('owner')

/** How the owner stands in the socket itself: a look into a table would cost more with each event. */
type Owned = Duplex & { [OWNER]?: SocketOwner | undefined }

/** A socket that tells its owner without events. */
export interface OwnedSocket extends StreamSocket {
  owner: SocketOwner
}

/** From now on the socket tells `owner`. `reads`: what comes is for the owner too, and the socket begins to read. */
export function own(socket: StreamSocket, owner: SocketOwner, reads: boolean): void {
  if (socket instanceof EventEmitter) ownDuplex(socket as Duplex, owner, reads)
  else (socket as OwnedSocket).owner = owner
}

function ownDuplex(socket: Duplex, owner: SocketOwner, reads: boolean): void {
  const isKnown = (socket as Owned)[OWNER] !== undefined
  ;(socket as Owned)[OWNER] = owner
  if (isKnown) return
  socket.on('end', tellEnd).on('error', tellError).on('close', tellClose).on('drain', tellDrain)
  if (reads) socket.on('data', tellData)
}

/** Takes the listeners off: the socket goes to somebody who wants all of it. */
export function disown(socket: Duplex): void {
  ;(socket as Owned)[OWNER] = undefined
  socket.off('data', tellData).off('end', tellEnd).off('error', tellError).off('close', tellClose)
  socket.off('drain', tellDrain)
}

function tellData(this: Owned, chunk: Buffer): void {
  this[OWNER]?.socketData(chunk)
}

function tellEnd(this: Owned): void {
  this[OWNER]?.socketEnded()
}

function tellError(this: Owned, error: Error): void {
  this[OWNER]?.socketFailed(error)
}

function tellClose(this: Owned): void {
  this[OWNER]?.socketClosed()
}

function tellDrain(this: Owned): void {
  this[OWNER]?.socketDrained()
}
