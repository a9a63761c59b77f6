/// Rows of a parameter that make the queries of an attention's heads, or their keys.
package struct HeadRows: Sendable, Equatable {
  /// What rows make.
  package enum Part: Sendable {
    case queries, keys
  }

  package let part: Part
  /// The first head's first row; the others follow.
  package let firstRow: Int
  /// The number of heads.
  package let heads: Int
  /// The number of rows of a head.
  package let width: Int
  /// The place of the first head among the heads of all attentions of the trace.
  package let firstHead: Int

  package init(_ part: Part, firstRow: Int, heads: Int, width: Int, firstHead: Int) {
    self.part = part
    self.firstRow = firstRow
    self.heads = heads
    self.width = width
    self.firstHead = firstHead
  }

  /// The rows of a head.
  package func rows(of head: Int) -> Range<Int> {
    firstRow + head * width..<firstRow + (head + 1) * width
  }
}
