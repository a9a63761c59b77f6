// Which parts parameters play in a trace, so that an update can tell the matrices of hidden layers from
// tables and output layers.

extension Graph {
  /// The role of each parameter, in the order of ``parameters``.
  ///
  /// - Parameter results: the loss, or the outputs where there is none.
  package func parameterRoles(before results: [Tensor]) -> [ParameterRole] {
    var roles = [ParameterRole](repeating: .other, count: parameters.count)
    // The parameters that each value consists of: itself, parts and turned copies of one, or what is computed
    // from one value by value.
    var sources: [ValueID: Set<Int>] = [:]
    // Values that no input of the batch enters.
    var shared: Set<ValueID> = []
    for (id, leaf) in leaves {
      switch leaf {
      case .parameter(let index):
        sources[id] = [index]
        shared.insert(id)
      case .constant, .table, .statistic: shared.insert(id)
      case .input, .vector: break
      }
    }
    var tables: Set<Int> = []
    // The row without a gradient of each use of a table: one and the same where the row is held.
    var heldRows: [Int: Set<Int?>] = [:]
    for node in nodes {
      let read = node.inputs.reduce(into: Set<Int>()) { $0.formUnion(sources[$1] ?? []) }
      let isShared = node.inputs.allSatisfy(shared.contains)
      if isShared { shared.formUnion(node.outputs) }
      if read.isEmpty { continue }
      var heldRow: Int?
      if case .chosenFrom(let row) = node.operation.use { heldRow = row }
      for index in read { heldRows[index, default: []].insert(heldRow) }
      switch node.operation.use {
      case .rearranged: for output in node.outputs { sources[output] = read }
      case .multiplied:
        for index in read where parameters[index].shape.count > 1 { roles[index] = .kernel }
      case .chosenFrom: tables.formUnion(read)
      case .other where isShared:
        for output in node.outputs {
          let count = values[output].type.count
          sources[output] = read.filter { TensorType(parameters[$0].shape).count == count }
        }
      case .other: break
      }
    }
    for node in lastProducts(before: results) {
      for input in nodes[node].inputs {
        for index in sources[input] ?? [] where roles[index] == .kernel { roles[index] = .output }
      }
    }
    for index in tables {
      let rows = heldRows[index] ?? []
      roles[index] = .table(heldRow: rows.count == 1 ? rows.first ?? nil : nil)
    }
    return roles
  }

  /// The products whose results reach a value without another product in between.
  private func lastProducts(before results: [Tensor]) -> Set<Int> {
    var (found, seen): (Set<Int>, Set<Int>) = ([], [])
    var waiting = results.compactMap { values[$0.id].producer }
    while let node = waiting.popLast() {
      guard seen.insert(node).inserted else { continue }
      if nodes[node].operation.use == .multiplied {
        found.insert(node)
      } else {
        waiting += nodes[node].inputs.compactMap { values[$0].producer }
      }
    }
    return found
  }
}

/// What an operation does with the parameters that it reads.
enum ParameterUse: Equatable {
  /// Its results are their values at other places.
  case rearranged
  /// It multiplies by them what a layer reads.
  case multiplied
  /// It chooses rows of them, of which one may be without a gradient.
  case chosenFrom(heldRow: Int?)
  /// Anything else.
  case other
}

/// An operation that does something with parameters that its ``PrecisionRole`` does not tell.
protocol ParameterReading: Operation {
  var parameterUse: ParameterUse { get }
}

extension Operation {
  fileprivate var use: ParameterUse {
    (self as? any ParameterReading)?.parameterUse
      ?? (precisionRole == .product ? .multiplied : .other)
  }
}
