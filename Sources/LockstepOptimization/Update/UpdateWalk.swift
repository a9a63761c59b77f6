internal import CLockstepKernels
import LockstepEngine

extension UpdateRule {
  /// Whether a pass leaves the update in its arena for the next one.
  func leavesUpdate(_ pass: Int) -> Bool {
    pass + 1 < passes.count
      && (!passes[pass].transforms.isEmpty || passes[pass + 1].matrices != nil)
  }

  /// Has whole matrices of the update transformed, by this rank or by all of them.
  func transform(
    by matrices: any MatrixTransform, parameters: UnsafePointer<Float>
  ) throws {
    // There is an arena where a pass has such a transform.
    guard let update = updateArena?.base else { return }
    func work(_ slot: Int, _ values: UnsafeMutablePointer<Float>) {
      guard matrices.operations(slot: slot) != nil, starts.isMoving(slot) else { return }
      matrices.transform(
        slot: slot, values, parameters: parameters + layout.slots[slot].offset,
        number: updateCount + 1 - starts.updatesBefore(starts.start(of: slot)))
    }
    if let matrixExchange { return try matrixExchange.transform(update, work) }
    for (slot, tensor) in layout.slots.enumerated() { work(slot, update + tensor.offset) }
  }

  /// The floating-point operations that each slot's matrix takes in an update; nil for tensors that no
  /// transform takes as a matrix.
  package var matrixOperations: [Double?] {
    layout.slots.indices.map { slot in
      let all = passes.compactMap { $0.matrices?.operations(slot: slot) }
      return all.isEmpty ? nil : all.reduce(0, +)
    }
  }

  /// One pass over the blocks of a group whose slots began to move at a start, and over those that do not move
  /// yet with the first of all starts.
  func walk(
    _ group: Range<Int>, of start: Int, pass: Int, _ source: UnsafePointer<Float>,
    _ parameters: UnsafeMutablePointer<Float>
  ) {
    var rest = group
    while let index = rest.first {
      let slot = blocks[index].slot
      let run = rest.prefix { blocks[$0].slot == slot }
      rest = run.upperBound..<group.upperBound
      if !starts.isMoving(slot) {
        // Their average is that of weights that stay.
        guard start == 0, pass == passes.count - 1 else { continue }
        for block in run { takeAverage(block, parameters, behind: .block) }
      } else if starts.start(of: slot) == start,
        !stepAtOnce(run, pass: pass, source: source, parameters: parameters)
      {
        for block in run { walk(block, pass: pass, source: source, parameters: parameters) }
      }
    }
  }

  /// Steps and constrains blocks of one slot, where nothing else looks at them: in parts of whole units
  /// that stay in the first-level cache from the step to its constraint, with nothing between two
  /// parts. Returns false where the blocks must be walked one by one.
  func stepAtOnce(
    _ run: Range<Int>, pass: Int, source: UnsafePointer<Float>,
    parameters: UnsafeMutablePointer<Float>
  ) -> Bool {
    let slot = blocks[run.lowerBound].slot
    guard pass == passes.count - 1, average == nil, !projection.needsSums(slot: slot), let fused,
      fused.isReady(slot: slot)
    else { return false }
    let step = fused.bound(toSlot: slot, input: source, parameters: parameters)
    let constraint = projection.bound(slot: slot)
    let part = constraint.partLength
    var start = blocks[run.lowerBound].range.lowerBound
    let end = blocks[run.upperBound - 1].range.upperBound
    while start < end {
      let count = min(part, end - start)
      step.apply(start, count)
      constraint.apply(parameters, at: start, count: count)
      start += count
    }
    heldRows.putBack(parameters, slot: slot, blocks[run.lowerBound].range.lowerBound..<end)
    return true
  }

  /// One pass over one block.
  func walk(
    _ index: Int, pass: Int, source: UnsafePointer<Float>,
    parameters: UnsafeMutablePointer<Float>
  ) {
    let block = blocks[index]
    let weights = parameters + block.offset
    let isLast = pass == passes.count - 1
    let output = isLast ? scratch.base : updateArena.map { $0.base + block.offset }
    var view = BlockView(
      index: index, slot: block.slot, offset: block.offset, count: block.count,
      input: source + block.offset, output: output ?? scratch.base,
      parameters: UnsafePointer(weights),
      changed: tally.base + (index * Tally.width + Tally.changed))
    if isLast, let fused, fused.isReady(slot: block.slot) {
      fused.bound(toSlot: block.slot, input: source, parameters: parameters)
        .apply(block.offset, block.count)
      projection.bound(slot: block.slot).apply(
        parameters, at: block.offset, count: block.count)
      finishBlock(index, parameters)
      return
    }
    var range = passes[pass].transforms
    if isLast, finalRate != nil { range = range.lowerBound..<range.upperBound - 1 }
    for number in range {
      let transform = transforms[number]
      if transform.isActive(slot: block.slot) {
        transform.apply(view)
        view = view.advanced()
      }
      if number == lastClip, transform.clippedNorm == nil {
        tally.base[index * Tally.width + Tally.clipped] =
          kernels.sumOfSquares(view.input, block.count)
      }
    }
    if isLast {
      if let finalRate {
        kernels.update.subtract_scaled(
          weights, view.input, finalRate.rates[block.slot], block.count)
      } else {
        kernels.update.subtract(weights, view.input, block.count)
      }
      projection.bound(slot: block.slot).apply(
        parameters, at: block.offset, count: block.count)
      finishBlock(index, parameters)
    } else {
      passes[pass + 1].measurements.measure(
        block: index, update: view.input, parameters: UnsafePointer(weights), count: block.count,
        kernels: kernels)
      if leavesUpdate(pass), view.input != UnsafePointer(view.output) {
        view.output.update(from: view.input, count: block.count)
      }
    }
  }

  /// What follows once all of a block's values have been stepped and constrained.
  private func finishBlock(_ index: Int, _ parameters: UnsafeMutablePointer<Float>) {
    let block = blocks[index]
    heldRows.putBack(parameters, slot: block.slot, block.range)
    tally.base[index * Tally.width + Tally.run] = projection.runSum(
      block, parameters + block.offset)
    takeAverage(index, parameters, behind: .block)
  }

  /// Takes all updated blocks that are final at a stage into the average.
  func takeAverages(
    _ parameters: UnsafePointer<Float>, behind stage: ConstraintExecutor.Stage
  ) {
    if average == nil { return }
    for group in updated { for block in group { takeAverage(block, parameters, behind: stage) } }
  }

  /// Takes a block into the average, where it is final at this stage.
  func takeAverage(
    _ index: Int, _ parameters: UnsafePointer<Float>, behind stage: ConstraintExecutor.Stage
  ) {
    let block = blocks[index]
    if let average, projection.stage(of: block.slot) == stage {
      average.add(parameters, at: block.offset, count: block.count)
    }
  }
}

extension BlockView {
  /// The view of the next transform, which reads what this one wrote.
  fileprivate func advanced() -> BlockView {
    BlockView(
      index: index, slot: slot, offset: offset, count: count, input: UnsafePointer(output),
      output: output, parameters: parameters, changed: changed)
  }
}
