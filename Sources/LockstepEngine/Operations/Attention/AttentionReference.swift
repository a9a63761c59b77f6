#if canImport(Glibc)
  import Glibc
#else
  import Musl
#endif

extension Attention {
  package func evaluate(_ inputs: [HostTensor], _ context: ReferenceContext) -> [HostTensor] {
    let view = AttentionView(self, inputs, context)
    var y = HostTensor([view.examples, view.queries, view.width])
    var statistics = HostTensor([view.examples, heads, view.queries, 2])
    view.forEachHead { head in
      let p = head.probabilities
      head.put((head.factors * p.values).product(head.values), into: &y)
      for query in 0..<view.queries {
        let place = ((head.example * heads + head.head) * view.queries + query) * 2
        statistics.values[place] = p.largest[query]
        statistics.values[place + 1] = p.inverse[query]
      }
    }
    return [y, statistics]
  }
}

extension AttentionGradient {
  package func evaluate(_ inputs: [HostTensor], _ context: ReferenceContext) -> [HostTensor] {
    let view = AttentionView(attention, Array(inputs[3...]), context)
    var q = HostTensor([view.examples, view.queries, view.width])
    var (k, v) = (HostTensor([view.examples, view.keys, view.width]), HostTensor([]))
    v = k
    view.forEachHead { head in
      let (p, dy) = (head.probabilities.values, head.rows(of: inputs[0]))
      let slopes = p.softmaxRule(head.factors * dy.product(head.values.transposed)) * view.scale
      head.put(slopes.product(head.keys), into: &q)
      head.put(slopes.transposed.product(head.queries), into: &k)
      head.put((head.factors * p).transposed.product(dy), into: &v)
    }
    return attention.isPacked ? [AttentionView.packed([q, k, v])] : [q, k, v]
  }
}

extension AttentionTangent {
  package func evaluate(_ inputs: [HostTensor], _ context: ReferenceContext) -> [HostTensor] {
    let count = attention.operandCount
    let lengths = inputs.dropFirst(1 + 2 * count)
    let view = AttentionView(attention, Array(inputs[1...count] + lengths), context)
    let moving = AttentionView(attention, Array(inputs[(1 + count)...]), context)
    var y = HostTensor([view.examples, view.queries, view.width])
    view.forEachHead { head in
      let movement = moving.head(head.example, head.head)
      let p = head.probabilities.values
      let scores =
        movement.queries.product(head.keys.transposed)
        + head.queries.product(movement.keys.transposed)
      let change = p.softmaxRule(scores * view.scale)
      head.put(
        (head.factors * change).product(head.values)
          + (head.factors * p).product(movement.values), into: &y)
    }
    return [y]
  }
}

/// The operands of an attention, head by head.
private struct AttentionView {
  let attention: Attention
  let operands: [HostTensor]
  let lengths: [Double]
  /// The factors of dropout, [examples, heads, queries, keys].
  let factors: HostTensor
  var examples: Int { operands[0].shape[0] }
  var queries: Int { operands[0].shape[1] }
  var keys: Int { operands[1].shape[1] }
  var width: Int { operands[0].shape[2] }
  var headWidth: Int { width / attention.heads }
  var scale: Double { 1 / Double(headWidth).squareRoot() }

  init(_ attention: Attention, _ inputs: [HostTensor], _ context: ReferenceContext) {
    self.attention = attention
    if attention.isPacked {
      let (x, width) = (inputs[0], inputs[0].shape[2] / 3)
      operands = (0..<3).map {
        x.strided([x.shape[0], x.shape[1], width], by: x.strides, from: $0 * width)
      }
    } else {
      operands = Array(inputs[..<3])
    }
    let (examples, keys) = (operands[0].shape[0], operands[1].shape[1])
    lengths =
      inputs.count > attention.operandCount
      ? inputs[attention.operandCount].values : Array(repeating: Double(keys), count: examples)
    let ones = HostTensor([examples, attention.heads, operands[0].shape[1], keys], repeating: 1)
    factors = attention.dropout.map { $0.evaluate([ones], context)[0] } ?? ones
  }

  /// Queries, keys and values behind one another in each row.
  static func packed(_ parts: [HostTensor]) -> HostTensor {
    let rows = parts.map { part in
      stride(from: 0, to: part.values.count, by: part.shape[2]).map {
        part.values[$0..<$0 + part.shape[2]]
      }
    }
    let values = rows[0].indices.flatMap { row in rows.flatMap { $0[row] } }
    return HostTensor([parts[0].shape[0], parts[0].shape[1], 3 * parts[0].shape[2]], values)
  }

  func head(_ example: Int, _ head: Int) -> Head { Head(view: self, example: example, head: head) }

  func forEachHead(_ body: (Head) -> Void) {
    for example in 0..<examples {
      for index in 0..<attention.heads { body(head(example, index)) }
    }
  }

  /// One head of one example.
  struct Head {
    let view: AttentionView
    let example: Int
    let head: Int
    var queries: Matrix { rows(of: view.operands[0]) }
    var keys: Matrix { rows(of: view.operands[1]) }
    var values: Matrix { rows(of: view.operands[2]) }

    /// The head's columns of the example's rows.
    func rows(of x: HostTensor) -> Matrix {
      Matrix(
        rows: (0..<x.shape[1]).map { row in
          (0..<view.headWidth).map { x.values[place(x, row, $0)] }
        })
    }

    func put(_ matrix: Matrix, into x: inout HostTensor) {
      for (row, values) in matrix.rows.enumerated() {
        for (column, value) in values.enumerated() { x.values[place(x, row, column)] = value }
      }
    }

    private func place(_ x: HostTensor, _ row: Int, _ column: Int) -> Int {
      (example * x.shape[1] + row) * x.shape[2] + head * view.headWidth + column
    }

    var factors: Matrix {
      Matrix(
        rows: (0..<view.queries).map { query in
          (0..<view.keys).map { key in
            let row = (example * view.attention.heads + head) * view.queries + query
            return view.factors.values[row * view.keys + key]
          }
        })
    }

    /// The softmax of the scores over the keys that a query sees, zero elsewhere; each row's largest score
    /// before scaling, and 1 / the sum of exponentials.
    var probabilities: (values: Matrix, largest: [Double], inverse: [Double]) {
      var scores = queries.product(keys.transposed)
      var (largest, inverse): ([Double], [Double]) = ([], [])
      let length = view.lengths[example]
      guard length >= 0, length <= Double(view.keys) else {
        let none = Array(repeating: Double.nan, count: view.queries)
        return (scores * .nan, none, none)
      }
      for query in scores.rows.indices {
        let seen = view.attention.isCausal ? min(Int(length), query + 1) : Int(length)
        let top = scores.rows[query].prefix(seen).max() ?? 0
        let powers = scores.rows[query].enumerated().map { key, score in
          key < seen ? exp((score - top) * view.scale) : 0
        }
        let sum = powers.reduce(0, +)
        largest.append(top)
        inverse.append(sum > 0 ? 1 / sum : 0)
        scores.rows[query] = powers.map { $0 * inverse[query] }
      }
      return (scores, largest, inverse)
    }
  }
}

/// A small matrix of Doubles.
private struct Matrix {
  var rows: [[Double]]

  var transposed: Matrix {
    Matrix(rows: rows[0].indices.map { column in rows.map { $0[column] } })
  }

  func product(_ other: Matrix) -> Matrix {
    let columns = other.transposed.rows
    return Matrix(
      rows: rows.map { row in
        columns.map { column in zip(row, column).reduce(0) { $0 + $1.0 * $1.1 } }
      })
  }

  /// P ∘ (x − Σ P ∘ x) by rows: the softmax's Jacobian, which is symmetric, at its result P.
  func softmaxRule(_ x: Matrix) -> Matrix {
    Matrix(
      rows: zip(rows, x.rows).map { p, x in
        let mean = zip(p, x).reduce(0) { $0 + $1.0 * $1.1 }
        return zip(p, x).map { $0 * ($1 - mean) }
      })
  }

  private func combined(_ other: Matrix, _ body: (Double, Double) -> Double) -> Matrix {
    Matrix(rows: zip(rows, other.rows).map { zip($0, $1).map(body) })
  }

  static func * (a: Matrix, b: Matrix) -> Matrix { a.combined(b, *) }
  static func + (a: Matrix, b: Matrix) -> Matrix { a.combined(b, +) }
  static func * (a: Matrix, b: Double) -> Matrix { Matrix(rows: a.rows.map { $0.map { $0 * b } }) }
}
