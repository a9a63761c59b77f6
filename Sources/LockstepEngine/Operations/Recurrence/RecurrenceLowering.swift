internal import CLockstepKernels

extension Recurrence: Lowerable {
  func lower(_ site: PlanBuilder.Site, _ plan: PlanBuilder) throws {
    let weight = Operands(site.inputs, pass).weight
    let rows = plan.type(site.outputs[0]).shape.prefix(2).reduce(1, *)
    let transposed =
      RecurrenceKernels.halves(plan) == nil
      ? try plan.transposedWeight(weight, rows: rows) : nil
    let inputs = try site.inputs.map { value in
      if value == weight, let transposed { return transposed }
      return try plan.plain(value)
    }
    let results = Results(site.outputs, pass)
    let kernels = RecurrenceKernels(
      pass, plan.type(results.sequence), plan, transposed: transposed != nil)
    let (n, hidden) = (kernels.n, kernels.hidden)
    let sequence = plan.define(results.sequence, try .plain(plan.type(results.sequence)))
    let states = try results.last.values.map { plan.define($0, try .plain([n, hidden])) }
    // Where no gradient is wanted, all positions share the room of one.
    let keeps = results.kept.map { plan.useCount(of: $0) > 0 } ?? false
    var kept = kernels.scratch(n * hidden * pass.cell.kept, plan)
    if keeps, let value = results.kept { kept = plan.define(value, try .plain(plan.type(value))) }
    let q = kernels.scratch(n * kernels.width, plan)
    let scratch = kernels.productScratch(plan)
    let weights = kernels.weightScratch(plan)
    let count = inputs.count
    plan.emit(inputs + [sequence, kept, q, scratch, weights] + states, calling: name) { addresses in
      let inputs = Operands(Array(addresses.prefix(count)), pass)
      let rest = addresses.dropFirst(count).map(\.floats)
      let lengths = inputs.lengths?.integers
      let (a, w, b) = (inputs.products.floats, inputs.weight.floats, inputs.bias.floats)
      let first = (inputs.first.hidden.floats, inputs.first.memory?.floats)
      let (y, kept, q, scratch, weights) = (rest[0], rest[1], rest[2], rest[3], rest[4])
      let (h, c) = (rest[5], rest.count > 6 ? rest[6] : nil)
      return { _ in
        let w = kernels.prepare(w, weights)
        kernels.copy(h, first.0)
        if let c { kernels.copy(c, first.1) }
        kernels.forEachPosition(lengths, keeps: keeps) { step in
          kernels.multiply(q, h, w, scratch)
          switch pass.cell {
          case .tanh, .relu:
            kernels.table.plain_forward(y, h, a, q, b, pass.cell == .relu ? 1 : 0, step)
          case .gru: kernels.table.gru_forward(y, h, kept, a, q, b, step)
          case .lstm: kernels.table.lstm_forward(y, h, c, kept, a, q, b, step)
          }
        }
      }
    }
  }
}

extension RecurrenceGradient: Lowerable {
  func lower(_ site: PlanBuilder.Site, _ plan: PlanBuilder) throws {
    let inputs = try site.inputs.map(plan.plain)
    let operands = Operands(site.inputs, self)
    let kernels = RecurrenceKernels(pass, plan.type(operands.sequence), plan)
    let results = try site.outputs.map { plan.define($0, try .plain(plan.type($0))) }
    let now = kernels.scratch(kernels.n * kernels.width, plan)
    let product = kernels.scratch(kernels.n * kernels.hidden, plan)
    let scratch = kernels.productScratch(plan)
    let weights = kernels.weightScratch(plan)
    let add = lockstep_arena_kernels_for(lockstep_isa(rawValue: plan.isa.rawValue)).pointee.add!
    let count = inputs.count
    plan.emit(inputs + [now, product, scratch, weights] + results, calling: name) { addresses in
      let inputs = Operands(Array(addresses.prefix(count)), self)
      let rest = addresses.dropFirst(count).map(\.floats)
      let lengths = inputs.lengths?.integers
      let (w, y, dy) = (
        inputs.weight.floats, inputs.sequence.floats, inputs.gradient.map { $0.floats }
      )
      let first = (inputs.first.hidden.floats, inputs.first.memory?.floats)
      let last = (inputs.last.hidden.floats, inputs.last.memory?.floats)
      let kept = inputs.kept?.floats
      let (now, product, scratch, weights) = (rest[0], rest[1], rest[2], rest[3])
      let (da, dq) = (rest[4], rest[5])
      let dh = pass.cell.separatesProducts ? rest[6] : rest[5]
      let dc = pass.cell.hasMemory ? rest[6] : nil
      return { _ in
        let w = kernels.prepareTransposed(w, weights)
        kernels.copy(dh, last.0)
        if let dc { kernels.copy(dc, last.1) }
        kernels.copy(product, nil)
        kernels.forEachPosition(lengths, backwards: true) { step in
          switch pass.cell {
          case .tanh, .relu:
            kernels.table.plain_backward(
              da, now, dh, product, dy, y, pass.cell == .relu ? 1 : 0, step)
          case .gru:
            kernels.table.gru_backward(da, dq, now, dh, product, dy, y, kept, first.0, step)
          case .lstm: kernels.table.lstm_backward(da, now, dh, dc, product, dy, kept, first.1, step)
          }
          kernels.multiplyTransposed(product, now, w, scratch)
        }
        add(dh, dh, product, kernels.n * kernels.hidden)
      }
    }
  }
}

extension RecurrenceHistory: Lowerable {
  func lower(_ site: PlanBuilder.Site, _ plan: PlanBuilder) throws {
    let inputs = try site.inputs.map(plan.plain)
    let kernels = RecurrenceKernels(pass, plan.type(site.inputs[0]), plan)
    let before = plan.define(site.outputs[0], try .plain(plan.type(site.outputs[0])))
    plan.emit(inputs + [before], calling: name) { addresses in
      let (y, first) = (addresses[0].floats, addresses[1].floats)
      let lengths = addresses.count > 3 ? addresses[2].integers : nil
      let before = addresses[addresses.count - 1].floats
      return { _ in
        kernels.forEachPosition(lengths) { kernels.table.history(before, y, first, $0) }
      }
    }
  }
}

extension RecurrenceTangent: Lowerable {
  func lower(_ site: PlanBuilder.Site, _ plan: PlanBuilder) throws {
    let inputs = try site.inputs.map(plan.plain)
    let operands = Operands(site.inputs, pass)
    let kernels = RecurrenceKernels(pass, plan.type(operands.sequence), plan)
    let results = try site.outputs.map { plan.define($0, try .plain(plan.type($0))) }
    let product = kernels.scratch(kernels.n * kernels.width, plan)
    let scratch = kernels.productScratch(plan)
    let weights = kernels.weightScratch(plan)
    let count = inputs.count
    plan.emit(inputs + [product, scratch, weights] + results, calling: name) { addresses in
      let inputs = Operands(Array(addresses.prefix(count)), pass)
      let rest = addresses.dropFirst(count).map(\.floats)
      let lengths = inputs.lengths?.integers
      let (ta, tq, w, y) = (
        inputs.inputs.floats, inputs.products.floats, inputs.weight.floats, inputs.sequence.floats
      )
      let first = (inputs.first.hidden.floats, inputs.first.memory?.floats)
      let moving = (inputs.moving.hidden.floats, inputs.moving.memory?.floats)
      let kept = inputs.kept?.floats
      let (product, scratch, weights) = (rest[0], rest[1], rest[2])
      let (ty, th) = (rest[3], rest[4])
      let tc = rest.count > 5 ? rest[5] : nil
      return { _ in
        let w = kernels.prepare(w, weights)
        kernels.copy(th, moving.0)
        if let tc { kernels.copy(tc, moving.1) }
        kernels.forEachPosition(lengths) { step in
          kernels.multiply(product, th, w, scratch)
          switch pass.cell {
          case .tanh, .relu:
            kernels.table.plain_tangent(
              ty, th, ta, tq, product, y, pass.cell == .relu ? 1 : 0, step)
          case .gru: kernels.table.gru_tangent(ty, th, ta, tq, product, y, kept, first.0, step)
          case .lstm:
            kernels.table.lstm_tangent(ty, th, tc, ta, tq, product, kept, first.1, step)
          }
        }
      }
    }
  }
}
