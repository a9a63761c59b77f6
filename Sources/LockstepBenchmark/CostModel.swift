import LockstepCollective
import LockstepFold
import LockstepEngine
import LockstepTraining

/// What a step costs on P = nodes × ranks a node, from times measured on one machine.
///
/// Hockney's model: a message of m bytes takes α + m/β ("The communication challenge for MPP",
/// Parallel Computing 20, 1994), with the α and β of the link for messages between nodes; inside a
/// node gradients are read where they lie. Of the collectives, the exchange of partial sums has the
/// cost of a pairwise reduce-scatter, the return of the slices that of a direct allgather, (N − 1) α
/// each and the bytes that cross a node's link (Thakur, Rabenseifner, Gropp, "Optimization of
/// Collective Communication Operations in MPICH", IJHPCA 19(1), 2005); the small allgathers of
/// numbers take ⌈log₂ N⌉ rounds.
///
///     step = compute + fold + wire + numbers + update
///     compute = fixed + ⌈s / threads⌉ · shard                      s: shards of the busiest rank
///               + products that are made on every node / their rate
///     fold    = add · (additions of a rank) + normalise · (its slice)
///               + read · (the other slices, unless the update is sharded)
///     wire    = (m₁ + m₂) α + (bytes₁ + bytes₂) / β                of the busiest node
///     numbers = 2 · (⌈log₂ N⌉ α + bytes / β) + 4 · ⌈log₂ R⌉ · meeting
///     update  = update · (values, or the values of a slice where it is sharded)
///
/// Weight gradients that are made of factors (docs/fold.md) are not added up, and between nodes their
/// factors travel in their place: `bytes₁` are these and the other gradients' sums, `bytes₂` the other
/// gradients, or all parameters where the update is sharded. An update that is to be shared as is best
/// is so on the link at hand.
///
/// Who has how many shards, partial sums and values is not modelled but taken from the
/// ``FoldPlan`` that a run on so many ranks would follow. What is left out: ranks that wait for the
/// slowest of them, links that several nodes share, and what a node's ranks take from each other's
/// memory bandwidth, unless the times were measured on as many ranks at once.
package struct CostModel: Sendable {
  /// Times of the parts, in seconds, and what they are parts of.
  package struct Work: Sendable {
    /// The examples of a shard.
    package var shardSize = 32
    /// A shard's forward and backward pass and its addition to the sum.
    package var shard = 0.0
    /// What a rank does once a step before its shards, packing of weights above all.
    package var fixed = 0.0
    /// An addition of the tree, a value.
    package var addition = 0.0
    /// Reading a value that another rank has folded, beyond what reading one's own takes.
    package var reading = 0.0
    /// Dividing and measuring, a value.
    package var normalisation = 0.0
    /// Clip, optimizer and constraints, a value.
    public var update = 0.0
    /// What the update does to whole matrices, in the layout's order.
    package var matrices: [MatrixWork] = []
    /// The weights of linear maps, by slot, whose gradients can be made of factors.
    package var linearMaps: [Int: LinearMapShape] = [:]
    /// Floating-point operations a second of such products.
    package var productRate = 50e9
    /// One round of a collective between the ranks of a node.
    package var meeting = 1e-6
    /// The arena that is folded.
    package var layout: FlatLayout
    /// The number of leading slots of ``layout`` that are gradients.
    package var gradientSlotCount: Int
    /// The numbers of a shard's record.
    package var recordColumns = 4
    /// The threads of a rank.
    package var threads = 1
    /// The bytes of a rank.
    package var memory = Memory()

    /// No times yet; all slots of the layout are gradients by default.
    package init(layout: FlatLayout, gradientSlotCount: Int? = nil) {
      self.layout = layout
      self.gradientSlotCount = gradientSlotCount ?? layout.slots.count
    }

    /// Those of a batch whose gradients are made of factors.
    func factors(examples: Int, shards: Int, travel: Bool) -> [Int: LinearMapShape] {
      guard threads == 1, SufficientFactors.takes(examples: examples, shards: shards) else {
        return [:]
      }
      return linearMaps.filter {
        SufficientFactors.isWorthIt($1.outputs, $1.inputs, examples: examples, travel: travel)
      }
    }
  }

  /// A matrix that one rank transforms in an update.
  package struct MatrixWork: Sendable {
    /// The number of values.
    package var values: Int
    /// What transforming it takes.
    package var seconds: Double
    /// The bytes that its owner keeps of it.
    package var state: Int

    /// A matrix of so many values that takes so long.
    package init(values: Int, seconds: Double, state: Int = 0) {
      self.values = values
      self.seconds = seconds
      self.state = state
    }
  }

  /// Bytes of a rank that do not depend on how many there are, and what the others follow from.
  package struct Memory: Sendable {
    /// Program, libraries and what MPI takes.
    package var program = 0
    /// The examples; every rank holds all.
    package var data = 0
    /// The parameters; with a sharded update ranks of one node, where there is no other, share them.
    package var parameters = 0
    /// Running statistics, and weights packed for the primitives.
    package var model = 0
    /// Activations of one thread.
    package var activations = 0
    /// The optimizer's state of all parameters, without that of whole matrices.
    package var optimizer = 0
    /// A shard's leaf as the primitives write it; 0 where that is the arena's own layout.
    package var packedLeaf = 0

    /// No bytes.
    package init() {}
  }

  /// The times of the parts.
  package var work: Work
  /// The link between nodes.
  package var link: NetworkLink
  /// Which ranks update which parameters.
  package var sharing: UpdateSharing
  /// How gradients travel between nodes.
  package var wire: WirePrecision
  /// Whether gradients are made of factors where the model allows it, as in a run.
  package var makesProducts = true

  /// A model of these times on this link.
  package init(
    work: Work, link: NetworkLink, sharing: UpdateSharing = .replicated,
    wire: WirePrecision = .float32
  ) {
    self.work = work
    self.link = link
    self.sharing = sharing
    self.wire = wire
  }

  /// The matrices of each rank.
  private func ownedMatrices(ranks: Int) -> [ArraySlice<MatrixWork>] {
    MatrixOwners.runs(of: work.matrices.map(\.seconds), over: ranks).map { work.matrices[$0] }
  }

  /// The seconds that the rank with the dearest matrices takes for these.
  private func dearestOwner(ranks: Int) -> Double {
    ownedMatrices(ranks: ranks).map { $0.reduce(0) { $0 + $1.seconds } }.max() ?? 0
  }

  /// The bytes that the rank which keeps most of its matrices keeps of these.
  private func largestOwner(ranks: Int) -> Int {
    ownedMatrices(ranks: ranks).map { $0.reduce(0) { $0 + $1.state } }.max() ?? 0
  }

  /// Between nodes all matrices are gathered behind their transforms, and before where each rank has a part.
  private func gatherMatrices(nodes: Int, _ prediction: inout CostPrediction) {
    guard nodes > 1, !work.matrices.isEmpty else { return }
    let gathers = prediction.isSharded ? 2 : 1
    let values = work.matrices.reduce(0) { $0 + $1.values }
    let bytes = Int(
      Double(gathers * values * MemoryLayout<Float>.stride) * (1 - 1 / Double(nodes)))
    prediction.wireBytes += bytes
    prediction.wire += seconds(messages: gathers * (nodes - 1), bytes: bytes)
  }

  /// Predicts a step of `shards` shards on nodes of equally many ranks.
  ///
  /// - Throws: `FoldPlanError`, where there are more ranks than shards above all.
  package func predict(nodes: Int, ranksPerNode: Int, shards: Int) throws -> CostPrediction {
    let plan = try FoldPlan(
      shards: shards, ranks: nodes * ranksPerNode, layout: work.layout,
      gradientSlotCount: work.gradientSlotCount, wire: shards > 1 ? wire : .float32)
    let examples = shards * work.shardSize
    let factors =
      plan.ranks == 1 || !makesProducts
      ? [:] : work.factors(examples: examples, shards: shards, travel: nodes > 1)
    let operations = factors.values.reduce(0) {
      $0 + 2 * Double(examples) * Double($1.outputs * $1.inputs)
    }
    let isSharded =
      sharing == .automatic
      ? nodes == 1
        || UpdateSharing.Conditions(
          values: plan.gradientCount, productOperations: operations, ranks: plan.ranks,
          nodes: nodes, ranksPerNode: ranksPerNode, link: link
        ).suggestsSharded
      : sharing == .sharded
    let traffic = WireTraffic(
      plan, nodes: nodes, isSharded: isSharded, factors: factors, shardSize: work.shardSize)
    let busiest = plan.shardRuns.map(\.count).max() ?? 0
    let waves = (busiest + work.threads - 1) / work.threads
    let values = Double(plan.layout.count)
    let largestSlice = Double(plan.slices.map(\.count).max() ?? 0)

    var prediction = CostPrediction(
      nodes: nodes, ranks: plan.ranks, shards: shards, batchSize: shards * work.shardSize)
    prediction.isSharded = isSharded
    prediction.makesProducts = !factors.isEmpty
    prediction.compute = work.fixed + Double(waves) * work.shard
    if !isSharded {
      prediction.compute +=
        operations * (1 / Double(ranksPerNode) - 1 / Double(plan.ranks)) / work.productRate
    }
    prediction.fold =
      work.addition * traffic.additionsOfBusiestRank + work.normalisation * largestSlice
      + (isSharded ? 0 : work.reading * (values - largestSlice))
    prediction.wireBytes = traffic.bytes
    prediction.wire = seconds(messages: traffic.messages, bytes: traffic.bytes)
    prediction.numbers = numbers(plan, nodes: nodes, ranksPerNode: ranksPerNode)
    prediction.update =
      work.update * (isSharded ? largestSlice : values) + dearestOwner(ranks: plan.ranks)
    gatherMatrices(nodes: nodes, &prediction)
    prediction.memory = memory(plan, traffic, nodes: nodes, isSharded: isSharded)
    overlap(traffic, &prediction)
    if !factors.isEmpty {
      let hidden = hiddenFactors(
        factors, traffic, plan, ranksPerNode: ranksPerNode, examples: examples, prediction)
      prediction.bucketBytes = nodes > 1 ? link.bucketBytes : 0
      prediction.overlappedStep = prediction.step - hidden
    }
    return prediction
  }

  private func seconds(messages: Int, bytes: Int) -> Double {
    messages == 0 ? 0 : Double(messages) * link.latency + Double(bytes) / link.bandwidth
  }

  private func numbers(_ plan: FoldPlan, nodes: Int, ranksPerNode: Int) -> Double {
    let rounds = (nodes - 1).bitWidth - (nodes - 1).leadingZeroBitCount
    let roundsInside = (ranksPerNode - 1).bitWidth - (ranksPerNode - 1).leadingZeroBitCount
    let bytes = 8 * (plan.ranks + plan.shards * work.recordColumns) + 16 * plan.blocks.count
    return seconds(messages: 2 * rounds, bytes: bytes * (nodes - 1) / nodes)
      + 4 * Double(roundsInside) * work.meeting
  }

  private func memory(
    _ plan: FoldPlan, _ traffic: WireTraffic, nodes: Int, isSharded: Bool
  ) -> Int {
    let arena = plan.layout.count * MemoryLayout<Float>.stride
    let fixed = work.memory
    let partials = plan.subtrees.map(\.count).max() ?? 1
    let busiest = plan.shardRuns.map(\.count).max() ?? 1
    // Registers of the binary counter beside the sums themselves, for each thread.
    let leaf = max(fixed.packedLeaf, arena)
    let share = max((busiest + work.threads - 1) / work.threads, 1)
    let registers = Int.bitWidth - 1 - share.leadingZeroBitCount
    var scratch = registers * work.threads * leaf
    if fixed.packedLeaf > 0 || work.threads > 1 { scratch += (partials + work.threads) * leaf }
    // Alone, the one sum is the folded arena; on a node there is one of these for all.
    let ranksPerNode = plan.ranks / nodes
    let folded = plan.ranks == 1 ? 0 : arena / ranksPerNode
    let largestSlice = plan.slices.map(\.count).max() ?? 0
    let optimizer =
      isSharded ? fixed.optimizer * largestSlice / max(plan.layout.count, 1) : fixed.optimizer
    let parameters = isSharded && nodes == 1 ? fixed.parameters / ranksPerNode : fixed.parameters
    return fixed.program + fixed.data + parameters + fixed.model + fixed.activations * work.threads
      + optimizer + largestOwner(ranks: plan.ranks)
      + partials * arena + folded + scratch + traffic.messageBytes
  }

  /// What partial sums that travel in buckets beside the last shard's backward pass can leave of the
  /// wire's time.
  ///
  /// A rank's sum is complete while its last shard runs backwards, about two thirds of the shard's
  /// time W. Of k equal buckets the j-th is there at j W / k and takes c = (messages) α + bytes / (k β),
  /// one after the other: the last one has travelled max(W / k + k c, W + c) after the pass began.
  /// Partial sums are half of what travels; slices come back when all is over.
  private func overlap(_ traffic: WireTraffic, _ prediction: inout CostPrediction) {
    prediction.overlappedStep = prediction.step
    guard traffic.messages > 0 else { return }
    guard traffic.factorBytes == 0 else { return }
    let slice = work.layout.count * MemoryLayout<Float>.stride / prediction.ranks
    prediction.bucketBytes = min(link.bucketBytes, max(slice, 1))
    let count = max(Int((Double(slice) / Double(prediction.bucketBytes)).rounded()), 1)
    let (messages, bytes) = (traffic.messages / 2, traffic.bytes / 2)
    let window = work.shard * 2 / 3
    let bucket = seconds(messages: messages, bytes: bytes / count)
    let end = max(window / Double(count) + Double(count) * bucket, window + bucket)
    let saved = seconds(messages: messages, bytes: bytes) + window - end
    prediction.overlappedStep = prediction.step - max(saved, 0)
  }

  /// What factors that travel beside the passes, and beside the products of other factors, leave of
  /// the wire's time (``FactorTimeline``).
  private func hiddenFactors(
    _ factors: [Int: LinearMapShape], _ traffic: WireTraffic, _ plan: FoldPlan, ranksPerNode: Int,
    examples: Int, _ prediction: CostPrediction
  ) -> Double {
    guard traffic.factorBytes > 0 else { return 0 }
    let values = Double(factors.values.reduce(0) { $0 + $1.travelling })
    let perValue = Double(traffic.factorBytes) / values
    let makers = Double(prediction.isSharded ? plan.ranks : ranksPerNode)
    let maps = factors.sorted { $0.key < $1.key }.map { slot, shape in
      FactorTimeline.Map(
        shape: shape, inputBytes: shape.isFirst ? 0 : perValue * Double(shape.inputs),
        gradientBytes: perValue * Double(shape.outputs),
        product: 2 * Double(examples * shape.outputs * shape.inputs) / (makers * work.productRate))
    }
    let products = maps.reduce(0) { $0 + $1.product }
    let timeline = FactorTimeline(
      maps, passes: max(prediction.compute - work.fixed - products, 0),
      message: Double(prediction.nodes - 1) * link.latency, bandwidth: link.bandwidth)
    return timeline.sum - timeline.end
  }
}
