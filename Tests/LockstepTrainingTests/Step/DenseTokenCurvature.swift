import LockstepDatasets
import LockstepEngine
import LockstepLayers
import LockstepOptimization
import LockstepTraining

/// Gradient, Gauss-Newton matrix and damping of states of a model of ``MarkedTokens`` under softmax
/// cross-entropy, dense and in Double: the Jacobian column by column from tangents, the loss's
/// derivatives by the logits from their formulas.
struct DenseTokenCurvature {
  /// What positions weigh and how labels are smoothed, apart from the loss that is tested.
  struct Loss: Sendable, CustomStringConvertible {
    var classWeights: [Double]? = nil
    var smoothing = 0.0

    var description: String { "\(classWeights == nil ? "counted" : "weighted"), \(smoothing)" }

    var tested: SoftmaxCrossEntropy {
      SoftmaxCrossEntropy(
        labelSmoothing: Float(smoothing), ignoreIndex: MarkedTokens.ignored,
        classWeights: classWeights?.map { Float($0) })
    }
  }

  /// Σ g, Σ Jᵀ H J and Σ Jₛᵀ Jₛ over the examples.
  private(set) var gradient: [Double]
  private(set) var matrix: [[Double]]
  private(set) var states: [[Double]]
  /// What the positions that count weigh.
  private(set) var weight = 0.0

  init(
    _ model: any Model, _ loss: Loss, _ tokens: MarkedTokens, _ order: [Int], _ source: ModelSource
  )
    throws
  {
    let (length, classes) = (MarkedTokens.length, MarkedTokens.vocabulary)
    let trace = try LockstepLayers.trace(
      model, inputShape: [length], batchCount: order.count, training: true, scalar: .int32)
    let graph = trace.graph
    func load(_ field: ExampleField) throws -> [Double] {
      var values = [Int32](repeating: 0, count: order.count * length)
      try values.withUnsafeMutableBufferPointer {
        try tokens.read(field, of: order[...], into: $0)
      }
      return values.map(Double.init)
    }
    var leaves = ReferenceEvaluator.Leaves()
    let field = tokens.inputFields[0]
    leaves.inputs[field.name] = HostTensor([order.count, length], try load(field))
    for slot in source.memory.trainableLayout.slots {
      leaves.parameters[slot.name] = HostTensor(
        slot.shape, source.memory.trainable[slot.range].map(Double.init))
    }
    let stateTensors = graph.recurrentStates
    let moving = graph.tangents(
      of: [trace.output] + stateTensors,
      along: graph.parameters.indices.map {
        (graph.parameter(graph.parameters[$0]), graph.vector(of: $0))
      }
    ).compactMap { $0 }
    try graph.check()
    precondition(moving.count == 1 + stateTensors.count, "logits and states move")
    let logits = try ReferenceEvaluator(graph).evaluate([trace.output], leaves)[0].values
    var logitColumns: [[Double]] = []
    var stateColumns: [[Double]] = []
    for parameter in graph.parameters {
      let zero = HostTensor(parameter.shape)
      for index in zero.values.indices {
        leaves.vectors = Dictionary(
          uniqueKeysWithValues: graph.parameters.map { ($0.name, HostTensor($0.shape)) })
        leaves.vectors[parameter.name]?.values[index] = 1
        let columns = try ReferenceEvaluator(graph).evaluate(moving, leaves).map(\.values)
        logitColumns.append(columns[0])
        stateColumns.append(columns.dropFirst().flatMap { $0 })
      }
    }
    let count = logitColumns.count
    gradient = Array(repeating: 0, count: count)
    matrix = Array(repeating: gradient, count: count)
    states = stateColumns.map { a in stateColumns.map { Self.dot(a, $0) } }
    let labels = try load(tokens.labelFields[0])
    for row in labels.indices where Int32(labels[row]) != MarkedTokens.ignored {
      let range = (row * classes)..<(row * classes + classes)
      let columns: [[Double]] = logitColumns.map { Array($0[range]) }
      add(loss, Int(labels[row]), Array(logits[range]), columns)
    }
  }

  /// Adds a position that counts.
  private mutating func add(
    _ loss: Loss, _ label: Int, _ logits: [Double], _ columns: [[Double]]
  ) {
    let classes = logits.count
    let weights = loss.classWeights ?? [Double](repeating: 1, count: classes)
    let largest = logits.max() ?? 0
    let exponentials: [Double] = logits.map { ExactMath.exponential($0 - largest) }
    let p: [Double] = exponentials.map { $0 / exponentials.reduce(0, +) }
    // −Σ_c w_c q_c log p_c with q = (1 − s) · onehot + s / C.
    var targets: [Double] = weights.map { $0 * loss.smoothing / Double(classes) }
    targets[label] += weights[label] * (1 - loss.smoothing)
    let total = targets.reduce(0, +)
    weight += weights[label]
    let means: [Double] = columns.map { Self.dot(p, $0) }
    for (i, a) in columns.enumerated() {
      gradient[i] += total * means[i] - Self.dot(targets, a)
      let spread: [Double] = zip(p, a).map { $0 * $1 }
      for (j, b) in columns.enumerated() {
        matrix[i][j] += total * (Self.dot(spread, b) - means[i] * means[j])
      }
    }
  }

  private static func dot(_ a: [Double], _ b: [Double]) -> Double {
    var sum = 0.0
    for index in a.indices { sum += a[index] * b[index] }
    return sum
  }

  /// The solution of A x = b, A positive definite, by elimination.
  static func solve(_ a: [[Double]], _ b: [Double]) -> [Double] {
    var rows: [[Double]] = zip(a, b).map { $0 + [$1] }
    let count = b.count
    for pivot in 0..<count {
      for row in pivot + 1..<count {
        let factor = rows[row][pivot] / rows[pivot][pivot]
        for column in pivot...count { rows[row][column] -= factor * rows[pivot][column] }
      }
    }
    var x = b
    for row in (0..<count).reversed() {
      var rest = rows[row][count]
      for column in row + 1..<count { rest -= rows[row][column] * x[column] }
      x[row] = rest / rows[row][row]
    }
    return x
  }
}
