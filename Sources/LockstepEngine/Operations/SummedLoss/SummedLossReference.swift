import LockstepPlatform

extension SummedLoss {
  package func evaluate(_ inputs: [HostTensor], _ context: ReferenceContext) -> [HostTensor] {
    let (x, target) = (inputs[0], inputs[1])
    var sum = 0.0
    for (example, row) in rows(of: x).enumerated() {
      let weight = inputs.count > 2 ? inputs[2].values[example] : 1
      var loss = 0.0
      switch kind {
      case .softmaxCrossEntropy(let smoothing):
        let wanted = distribution(target.values[example], row.count, Double(smoothing))
        for (q, logarithm) in zip(wanted, logSoftmax(row)) where q != 0 { loss -= q * logarithm }
      case .binaryCrossEntropy:
        for (x, t) in zip(row, rows(of: target)[example]) {
          loss += max(x, 0) - x * t + log1p(exp(-abs(x)))
        }
      case .squaredError:
        for (x, t) in zip(row, rows(of: target)[example]) { loss += (x - t) * (x - t) }
      case .distillation(let temperature):
        let (logP, logQ) = softened(row, rows(of: target)[example], by: Double(temperature))
        for (p, q) in zip(logP, logQ) {
          loss += Double(temperature) * Double(temperature) * exp(q) * (q - p)
        }
      }
      sum += weight * loss
    }
    return [HostTensor([], [sum])]
  }
}

extension SummedLossGradient {
  package func evaluate(_ inputs: [HostTensor], _ context: ReferenceContext) -> [HostTensor] {
    let (d, x, target) = (inputs[0].values[0], inputs[1], inputs[2])
    var gradient: [Double] = []
    for (example, row) in rows(of: x).enumerated() {
      let factor = d * (inputs.count > 3 ? inputs[3].values[example] : 1)
      switch kind {
      case .softmaxCrossEntropy(let smoothing):
        let wanted = distribution(target.values[example], row.count, Double(smoothing))
        gradient += zip(logSoftmax(row), wanted).map { factor * (exp($0) - $1) }
      case .binaryCrossEntropy:
        gradient += zip(row, rows(of: target)[example]).map { factor * (logistic($0) - $1) }
      case .squaredError:
        gradient += zip(row, rows(of: target)[example]).map { factor * 2 * ($0 - $1) }
      case .distillation(let temperature):
        let (logP, logQ) = softened(row, rows(of: target)[example], by: Double(temperature))
        gradient += zip(logP, logQ).map { factor * Double(temperature) * (exp($0) - exp($1)) }
      }
    }
    return [HostTensor(x.shape, gradient)]
  }
}

/// The log softmax of both rows over the temperature.
private func softened(
  _ row: [Double], _ teacher: [Double], by temperature: Double
) -> (student: [Double], teacher: [Double]) {
  (logSoftmax(row.map { $0 / temperature }), logSoftmax(teacher.map { $0 / temperature }))
}

/// (1 − s) · onehot(label) + s / C.
private func distribution(_ label: Double, _ classes: Int, _ smoothing: Double) -> [Double] {
  (0..<classes).map { index in
    (Double(index) == label ? 1 - smoothing : 0) + smoothing / Double(classes)
  }
}
