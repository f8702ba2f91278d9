/** The tools that other tests stand on: a browser that draws WebGL, DynamoDB Local, and the parts the harness is made of. */
import { CreateTableCommand, DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb'
import { describe, expect, it } from 'vitest'
import { launchChromium } from '../support/chromium.ts'
import { startDynamoDbLocal } from '../support/dynamodb-local.ts'

describe('Chromium', () => {
  it('draws with WebGL: what cellxgene shows its cells with', async () => {
    const browser = await launchChromium()
    try {
      const page = await browser.newPage()
      await page.setContent('<canvas width=4 height=4></canvas>')
      const pixel = await page.evaluate(`(() => {
        const gl = document.querySelector('canvas').getContext('webgl', { preserveDrawingBuffer: true })
        if (gl === null) return 'no WebGL'
        gl.clearColor(1, 0.5, 0, 1)
        gl.clear(gl.COLOR_BUFFER_BIT)
        const out = new Uint8Array(4)
        gl.readPixels(1, 1, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, out)
        return [...out].join()
      })()`)
      expect(pixel).toMatch(/^255,12[78],0,255$/)
    } finally {
      await browser.close()
    }
  })
})

describe('fonts', () => {
  it('are there: text has a size, whatever family and letters a page asks for', async () => {
    const browser = await launchChromium()
    try {
      const page = await browser.newPage()
      const families = ['system-ui', 'sans-serif', 'serif', 'monospace', 'NoSuchFamily']
      await page.setContent(
        families.map((name) => `<p><span style="font-family:${name}">pbmc é … → 细胞</span></p>`).join(''),
      )
      for (const text of await page.locator('span').all()) expect((await text.boundingBox())?.width).toBeGreaterThan(40)
    } finally {
      await browser.close()
    }
  })
})

describe('DynamoDB Local', () => {
  it('starts, keeps a table and stops', async () => {
    const local = await startDynamoDbLocal()
    const credentials = { accessKeyId: 'test', secretAccessKey: 'test' }
    const client = new DynamoDBClient({ endpoint: local.endpoint, region: 'us-east-1', credentials })
    try {
      await client.send(
        new CreateTableCommand({
          TableName: 'one',
          BillingMode: 'PAY_PER_REQUEST',
          AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
          KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
        }),
      )
      expect((await client.send(new ListTablesCommand({}))).TableNames).toEqual(['one'])
    } finally {
      client.destroy()
      await local.stop()
    }
    await expect(fetch(local.endpoint)).rejects.toThrow()
  })
})
