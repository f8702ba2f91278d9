/** A table as every page has it: rows that become cards on a phone, a last column of buttons without a shown head. */
import type { Child, FC } from 'hono/jsx'

/** Numbers stand right. */
type Head = string | { number: string }

type TableProps = {
  heads: readonly Head[]
  /** The rows end in a cell of buttons. */
  act?: boolean
  /** One of several with the same columns, which then stand below one another. */
  aligned?: boolean
  children: Child
}

export const Table: FC<TableProps> = ({ heads, act, aligned, children }) => (
  <div class={`table stack${aligned ? ' aligned' : ''}`}>
    <table>
      <thead>
        <tr>
          {heads.map((head) =>
            typeof head === 'string' ? (
              <th scope="col">{head}</th>
            ) : (
              <th scope="col" class="number">
                {head.number}
              </th>
            ),
          )}
          {act && (
            <th scope="col" class="act">
              <span class="unseen">Actions</span>
            </th>
          )}
        </tr>
      </thead>
      <tbody>{children}</tbody>
    </table>
  </div>
)
