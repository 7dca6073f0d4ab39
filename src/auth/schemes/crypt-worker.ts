import { parentPort } from 'node:worker_threads'
import { cryptByHand } from './crypt-by-hand.ts'

/** The thread that computes crypt hashes without libcrypt: one request at a time, answered with the whole hash. */
export interface CryptRequest {
  readonly password: Uint8Array
  readonly setting: string
}

parentPort?.on('message', ({ password, setting }: CryptRequest) => {
  parentPort?.postMessage(cryptByHand(Buffer.from(password), setting))
})
