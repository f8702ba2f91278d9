/** What only the items of the people's stores show: versions of records, and expiry. */
import { ScanCommand } from '@aws-sdk/lib-dynamodb'
import { afterAll, describe, expect, it } from 'vitest'
import { deleteExpired } from '../../functions/platform/dynamo/expired.ts'
import { readGuest, readLink, readUse } from '../../functions/platform/dynamo/links.ts'
import { createLoginStore, readLogin } from '../../functions/platform/dynamo/logins.ts'
import { createUserStore, readUser } from '../../functions/platform/dynamo/users.ts'
import { openStore } from '../../functions/platform/local/store.ts'
import { aUser } from '../support/people.ts'
import { tempDir } from '../support/temp-dir.ts'
import { aLink } from './links.contract.ts'

const store = await openStore(tempDir())
afterAll(() => store.close())

describe('records of people', () => {
  it('reads the first version of each record, and refuses one from the future', () => {
    const { generation: _none, ...old } = aUser()
    const user = { pk: 'users', sk: 'user#ada', v: 1, ...old }
    expect(readUser(user)).toEqual(aUser({ generation: 0 }))
    expect(readUser({ ...user, v: 2, generation: 4 })).toEqual(aUser({ generation: 4 }))
    expect(() => readUser({ ...user, v: 3 })).toThrow(/newer than this program/)
    const login = { id: 'x', userName: 'ada', createdAt: 1, expiresAt: 2 }
    const kept = { pk: 'login#x', sk: 'login', v: 1, expires: 86_401, ...login }
    expect(readLogin(kept)).toEqual({ ...login, generation: 0 })
    expect(readLogin({ ...kept, v: 2, generation: 4 })).toEqual({ ...login, generation: 4 })
    expect(() => readLogin({ ...kept, v: 3 })).toThrow(/newer than this program/)
  })

  it('reads the first version of a link, its guests and uses, and refuses those from the future', () => {
    const link = aLink({ guestNames: ['Ann'] })
    const guest = { linkId: link.id, key: 'ann', name: 'Ann', createdAt: 1 }
    const use = { linkId: link.id, at: 1, guestKey: null, guestName: '', what: 'refused', detail: 'x' }
    const pk = `link#${link.id}`
    expect(readLink({ pk, sk: 'link', v: 1, ...link })).toEqual(link)
    expect(readGuest({ pk, sk: 'guest#ann', v: 1, writer: 'w', ...guest })).toEqual(guest)
    expect(readUse({ pk, sk: 'use#1#x', v: 1, ...use })).toEqual(use)
    for (const read of [readLink, readGuest, readUse]) expect(() => read({ v: 2 })).toThrow(/newer than this program/)
  })

  it('deletes what expired a day ago and nothing else', async () => {
    const now = 2_000_000_000_000
    const day = 24 * 60 * 60_000
    const logins = createLoginStore(store.table)
    await createUserStore(store.table).create(aUser({ name: 'kept' }))
    await logins.create({ id: 'old', userName: 'kept', generation: 0, createdAt: 1, expiresAt: now - day - 2000 })
    await logins.create({ id: 'new', userName: 'kept', generation: 0, createdAt: 1, expiresAt: now - day + 2000 })
    expect(await deleteExpired(store.table, now)).toBeGreaterThan(0)
    expect(await logins.get('old')).toBeNull()
    expect(await logins.get('new')).not.toBeNull()
    expect(await createUserStore(store.table).get('kept')).not.toBeNull()
    const left = await store.table.client.send(new ScanCommand({ TableName: store.table.name }))
    expect(left.Items?.filter((item) => Number(item.expires) * 1000 < now)).toEqual([])
    expect(await deleteExpired(store.table, now)).toBe(0)
  })
})
