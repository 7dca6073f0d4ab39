import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type OwnerQuestion, OwnerQuestions } from './owner-questions.ts'

test('owners that are asked about at the same time are asked about together, some hundred at a time', async () => {
  const sent: (readonly OwnerQuestion[])[] = []
  const owners = new OwnerQuestions((questions) => {
    sent.push(questions)
    queueMicrotask(() =>
      owners.hear(
        questions.map(({ id, owner, route }) => ({ id, answer: { kind: 'found', home: `/home/${owner} ${route}` } })),
      ),
    )
  })
  const names = Array.from({ length: 300 }, (_, number) => `user${number}`)
  const answers = await Promise.all(names.map(async (name) => await owners.ask(name, name === 'user7')))
  assert.deepEqual(
    answers.map((answer) => (answer.kind === 'found' ? answer.home : '')),
    names.map((name) => `/home/${name} ${name === 'user7'}`),
  )
  assert.deepEqual(
    sent.map(({ length }) => length),
    [250, 50],
  )
  await owners.ask('late', false)
  assert.equal(sent.length, 3)
})
