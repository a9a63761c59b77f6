extension CustomNode: Lowerable {
  func lower(_ site: PlanBuilder.Site, _ plan: PlanBuilder) throws {
    let sources = try site.inputs.map(plan.plain)
    let results = try site.outputs.map { plan.define($0, try .plain(plan.type($0))) }
    let inputTypes = site.inputs.map(plan.type)
    let resultTypes = site.outputs.map(plan.type)
    let (layer, operation) = (site.node.scope, base)
    let isFloat32 = operation is any Float32Operation
    plan.emit(sources + results, calling: isFloat32 ? "host, Float32" : "host, Double") {
      let inputs = Array($0.prefix(sources.count))
      let outputs = Array($0.suffix(results.count))
      let call: any HostCall =
        if let operation = operation as? any Float32Operation {
          Float32Call(operation, inputTypes, resultTypes)
        } else {
          ReferenceCall(operation, inputTypes, resultTypes)
        }
      return { _ in
        do { try call.run(inputs, outputs) } catch {
          throw GraphError(
            (layer.isEmpty ? "" : "layer '\(layer)': ") + "\(operation.name): \(error)")
        }
      }
    }
  }
}

/// A custom operation with memory for what it is handed. A lane has its own.
private protocol HostCall: AnyObject {
  func run(_ inputs: [UnsafeMutableRawPointer], _ results: [UnsafeMutableRawPointer]) throws
}

/// Runs an operation's Float32 computation.
private final class Float32Call: HostCall {
  private let operation: any Float32Operation
  private let types: [TensorType]
  private var inputs: [HostValues]
  private var results: [HostValues]

  init(_ operation: any Float32Operation, _ inputs: [TensorType], _ results: [TensorType]) {
    self.operation = operation
    types = results
    self.inputs = inputs.map(HostValues.init)
    self.results = results.map(HostValues.init)
  }

  func run(_ from: [UnsafeMutableRawPointer], _ to: [UnsafeMutableRawPointer]) throws {
    for (index, address) in from.enumerated() {
      // One of the two is empty.
      func fill(_ room: UnsafeMutableRawBufferPointer) {
        room.copyMemory(from: UnsafeRawBufferPointer(start: address, count: room.count))
      }
      inputs[index].values.withUnsafeMutableBytes(fill)
      inputs[index].integers.withUnsafeMutableBytes(fill)
    }
    try operation.compute(inputs, into: &results)
    guard results.count == types.count, zip(results, types).allSatisfy({ $0.type == $1 }) else {
      defer { results = types.map(HostValues.init) }
      throw GraphError(
        "compute leaves results of shapes \(results.map(\.shape)); inferred were "
          + "\(types.map(\.shape))")
    }
    for (index, (result, address)) in zip(results, to).enumerated() {
      let isInteger = result.type.scalar == .int32
      let count = isInteger ? result.integers.count : result.values.count
      guard count == result.type.count else {
        defer { results = types.map(HostValues.init) }
        throw GraphError(
          "compute leaves \(count) values in result \(index); its shape \(result.shape) has "
            + "\(result.type.count)")
      }
      let room = UnsafeMutableRawBufferPointer(start: address, count: count * 4)
      if isInteger {
        result.integers.withUnsafeBytes { room.copyMemory(from: $0) }
      } else {
        result.values.withUnsafeBytes { room.copyMemory(from: $0) }
      }
    }
  }
}

/// Runs an operation's reference: values are widened to Double, and results rounded once.
private final class ReferenceCall: HostCall {
  private let operation: any CustomOperation
  private let inputTypes: [TensorType]
  private let types: [TensorType]
  private var inputs: [HostTensor]

  init(_ operation: any CustomOperation, _ inputs: [TensorType], _ results: [TensorType]) {
    self.operation = operation
    inputTypes = inputs
    types = results
    self.inputs = inputs.map { HostTensor($0.shape) }
  }

  func run(_ from: [UnsafeMutableRawPointer], _ to: [UnsafeMutableRawPointer]) throws {
    for (index, address) in from.enumerated() {
      if inputTypes[index].scalar == .int32 {
        for place in inputs[index].values.indices {
          inputs[index].values[place] = Double(address.integers[place])
        }
      } else {
        for place in inputs[index].values.indices {
          inputs[index].values[place] = Double(address.floats[place])
        }
      }
    }
    let results = try operation.evaluate(inputs)
    try HostTensor.check(results, against: types)
    for (index, (result, address)) in zip(results, to).enumerated() {
      guard types[index].scalar == .int32 else {
        for (place, value) in result.values.enumerated() { address.floats[place] = Float(value) }
        continue
      }
      for (place, value) in result.values.enumerated() {
        guard let integer = Int32(exactly: value) else {
          throw GraphError("result \(index) is of integers, and evaluate gives it \(value)")
        }
        address.integers[place] = integer
      }
    }
  }
}
