/// The names that other programs and books have for what Lockstep names otherwise.
///
/// Used wherever a name is looked up: keys and types of configurations, options and commands. A name
/// that is written like this is no name here, it only leads to the right one in the message.
package enum Synonyms {
  /// What a name, in lower case and without separators, may mean: the likeliest first. Which of them
  /// is meant follows from what can stand in its place.
  package static func names(of name: String) -> [String] { table[name] ?? [] }

  private static let table: [String: [String]] = {
    var table: [String: [String]] = [:]
    for group in groups {
      for name in group.others.split(separator: " ") {
        table[String(name), default: []].append(group.name)
      }
    }
    return table
  }()

  /// A right name, and what else it is called, separated by blanks.
  private typealias Group = (name: String, others: String)

  private static let groups: [Group] =
    losses + optimizers + schedules + updates + layers + models + data + run + commands

  private static let losses: [Group] = [
    ("meanSquaredError", "mse mseloss l2 l2loss squared squarederror quadratic meansquare"),
    (
      "binaryCrossEntropy",
      """
      bce bceloss bcewithlogits bcewithlogitsloss logloss logistic \
      sigmoid sigmoidcrossentropy binary binarycrossentropywithlogits
      """
    ),
    (
      "softmaxCrossEntropy",
      """
      ce xent nll nllloss crossentropy crossentropyloss cross softmax \
      categoricalcrossentropy sparsecategoricalcrossentropy softmaxcrossentropywithlogits
      """
    ),
    ("labelSmoothing", "smoothing smooth"),
    ("meanAbsoluteError", "mae l1 l1loss absolute absoluteerror meanabsolute"),
    ("huber", "huberloss"), ("smoothL1", "smoothl1loss"), ("quantile", "pinball quantileloss"),
    ("poisson", "poissonnll poissonnllloss"), ("focal", "focalloss sigmoidfocalloss"),
    ("klDivergence", "kl kldiv kldivloss kullbackleibler"),
    ("classWeights", "weight weights classweight"), ("positiveWeights", "posweight posweights"),
    ("ignoreIndex", "ignore ignorelabel"), ("levels", "level tau quantiles"),
  ]

  private static let optimizers: [Group] = [
    ("learningRate", "lr rate eta alpha stepsize initiallr baselr initiallearningrate maxlr"),
    ("weightDecay", "wd decay l2 l2penalty weightdecayrate lambda"),
    ("momentum", "mom mu beta beta1"),
    ("beta1", "b1 betas beta momentum"), ("beta2", "b2 betas"),
    ("epsilon", "eps"), ("alpha", "rho smoothing"), ("rho", "alpha"),
    ("sgd", "momentum sgdm nesterov gd gradientdescent stochasticgradientdescent"),
    ("adamW", "adamwithweightdecay"), ("initialAccumulator", "initialaccumulatorvalue"),
    ("learningRateFactor", "lr lrmult lrscale lrfactor learningrate"),
    ("weightDecayFactor", "wd weightdecay decaymult"),
  ]

  private static let schedules: [Group] = [
    ("schedule", "scheduler lrschedule lrscheduler learningrateschedule decayschedule"),
    ("cosine", "cosineannealing cosineannealinglr cosinedecay cos"),
    ("cosineRestarts", "sgdr warmrestarts cosineannealingwarmrestarts cosinewithrestarts"),
    ("oneCycle", "onecyclelr 1cycle superconvergence"), ("step", "steplr stepdecay staircase"),
    ("multiStep", "multisteplr piecewise piecewiseconstant"),
    ("exponential", "exponentiallr exponentialdecay exp"),
    ("reduceOnPlateau", "plateau reducelronplateau reducelr"),
    ("polynomial", "linear lineardecay poly polynomiallr linearlr"), ("constant", "none fixed"),
    ("inverseSquareRoot", "inversesqrt invsqrt rsqrt noam transformer"),
    ("stableDecay", "wsd warmupstabledecay trapezoidal"),
    ("inverseTime", "inversetimedecay inverse"),
    ("factor", "gamma decayrate"), ("every", "stepsize interval period"),
    ("steps", "tmax totalsteps maxsteps length decaysteps totaliters"), ("period", "t0"),
    ("growth", "tmult"), ("minimum", "etamin minlr min"), ("final", "endlearningrate endlr"),
    ("warmupSteps", "warmup numwarmupsteps warmupiters warmupepochs"), ("rise", "pctstart"),
    ("divisor", "divfactor"), ("finalDivisor", "finaldivfactor"), ("goal", "mode"),
  ]

  private static let updates: [Group] = [
    (
      "clip",
      """
      clipping gradclip gradientclip gradientclipping clipnorm clipvalue globalclipnorm \
      maxgradnorm gradclipnorm gradientclipval clipgradnorm clipgradient
      """
    ),
    ("globalNorm", "global gradnorm clipnorm clipbyglobalnorm clipgradnorm l2 l2norm"),
    ("value", "clipvalue clipbyvalue elementwise"), ("adaptive", "agc nfnet"),
    ("norm", "clipbynorm tensor pertensor normtype"),
    ("limit", "maxnorm threshold max maximum maxvalue bound clipvalue clipnorm maxgradnorm norm c"),
    ("lower", "min minimum low"), ("upper", "max maximum high"),
    ("maxNorm", "max maxnormalization"),
    ("nonNegative", "nonneg positive"), ("valueBox", "box clamp range interval"),
    ("spectralNorm", "spectral"), ("ball", "l2ball frobenius"), ("axes", "axis dim dims"),
    ("constraints", "constraint kernelconstraint weightconstraint weightconstraints maxnorm"),
    ("constraint", "kernelconstraint weightconstraint constraints maxnorm"),
    ("regularizers", "regularizer regularization kernelregularizer penalty penalties l1 l2"),
    ("l1l2", "elasticnet"), ("average", "ema swa weightaverage polyak averaging movingaverage"),
    ("pattern", "name names parameters params match glob"),
    ("groups", "parametergroups paramgroups"),
  ]

  private static let layers: [Group] = [
    ("Conv1d", "conv convolution convolution1d"), ("MaxPool1d", "maxpooling1d"),
    ("AvgPool1d", "averagepool1d averagepooling1d"),
    ("GlobalAveragePool1d", "globalaveragepooling1d globalavgpool1d adaptiveavgpool1d"),
    (
      "ConvTranspose2d",
      "deconv deconvolution conv2dtranspose transposedconv transposedconvolution upconv"
    ), ("RNN", "simplernn elman recurrent"),
    ("MultiheadAttention", "attention selfattention mha multiheadselfattention"),
    ("TransformerEncoderLayer", "transformer encoderlayer transformerblock"),
    ("LearnedPositions", "positionalembedding positionembedding positions"),
    ("SinusoidalPositions", "positionalencoding positions"),
    ("SequencePooling", "meanpooling lastpooling pooling"),
    ("hiddenSize", "hidden units hiddendim"), ("numLayers", "layers nlayers depth"),
    ("heads", "nhead numheads nheads"), ("feedForward", "dimfeedforward ffn ff mlpdim"),
    ("causal", "iscausal masked"), ("count", "num numembeddings maxlength length"),
    ("width", "embeddingdim embeddim dmodel dim modeldim nembd"),
    ("vocabulary", "vocab vocabsize vocabularysize numtokens"),
    ("context", "blocksize contextlength seqlen"),
    ("Linear", "dense fc fullyconnected affine"), ("Conv2d", "conv convolution convolution2d"),
    ("MaxPool2d", "maxpool maxpooling maxpooling2d"),
    ("AvgPool2d", "avgpool averagepool averagepool2d averagepooling averagepooling2d meanpool"),
    (
      "GlobalAveragePool2d",
      """
      gap globalaveragepooling globalaveragepooling2d globalavgpool2d \
      adaptiveavgpool2d
      """
    ),
    ("BatchNorm2d", "batchnorm bn batchnormalization bn2d"),
    ("BatchNorm1d", "batchnorm bn batchnormalization bn1d"),
    ("SiLU", "swish"), ("silu", "swish"), ("Identity", "none linear"),
    ("outFeatures", "units out outputs outputsize size features width neurons nodes hidden outdim"),
    ("inFeatures", "inputs in inputsize indim"),
    ("outChannels", "filters channels out outputs outputchannels outplanes"),
    ("inChannels", "in inputs inputchannels inplanes"), ("kernel", "kernelsize filtersize size"),
    ("stride", "strides"), ("padding", "pad"), ("dilation", "dilationrate"), ("bias", "usebias"),
    ("rate", "p prob probability dropout dropoutrate"), ("probability", "p prob rate"),
    ("dropout", "p rate dropoutrate"),
    ("slope", "negativeslope alpha"), ("features", "numfeatures channels"),
    ("statistics", "sync syncbn synchronized"), ("affine", "scale center"),
    ("weightInitializer", "init initializer kernelinitializer weightinit initialization"),
    ("biasInitializer", "biasinit"), ("standardDeviation", "std stddev stdev deviation sigma"),
    ("glorot", "xavier glorotuniform glorotnormal xavieruniform xaviernormal"),
    ("he", "kaiming henormal heuniform kaimingnormal kaiminguniform"),
    ("leCun", "lecunnormal lecununiform"), ("normal", "gaussian randomnormal"),
    ("uniform", "randomuniform"), ("zeros", "zero"), ("ones", "one"),
  ]

  private static let models: [Group] = [
    ("mlp", "perceptron feedforward dnn ffn dense linear fullyconnected neuralnetwork"),
    ("digits-cnn", "cnn lenet convnet digitscnn"), ("resnet20", "resnet resnet18"),
    ("resnet32", "resnet34"), ("resnet56", "resnet50"),
    ("sizes", "hidden hiddensizes hiddenlayers hiddenunits layers units width widths size"),
    ("layers", "sizes modules"), ("activation", "activationfunction nonlinearity act"),
    ("classes", "numclasses nclasses outputs numlabels"), ("width", "channels filters"),
  ]

  private static let data: [Group] = [
    ("mnist-5k", "mnist digits"), ("breast-cancer", "cancer wdbc"), ("csv", "table tsv text"),
    ("idx", "ubyte mnistfiles"), ("file", "path filename csv train trainfile trainpath data"),
    ("target", "label labels y targetcolumn labelcolumn targets output"),
    ("testFile", "test testpath valfile valid validationfile testcsv"),
    (
      "testFraction",
      """
      testsize testsplit test valfraction valsplit validationsplit \
      validationfraction split
      """
    ),
    ("targetKind", "kind task problem"),
    ("folds", "k nfolds kfolds kfold cv numfolds nsplits"), ("fold", "foldindex"),
    ("delimiter", "sep separator"), ("standardize", "normalize scale standardise normalise"),
    ("ignore", "drop exclude skip ignorecolumns"), ("fillMissing", "fillna impute fill missing"),
    ("inputs", "images x data"), ("labels", "y targets"), ("testInputs", "testimages"),
    ("examples", "count samples nsamples n size rows"), ("deviation", "std stddev noise sigma"),
    ("shuffle", "shuffled random"), ("dropLast", "dropremainder droplastbatch"),
    ("augment", "augmentation augmentations transforms transform"),
    ("flip", "randomhorizontalflip horizontalflip mirror"), ("crop", "randomcrop"),
    ("shift", "translate randomshift"), ("values", "regression numbers continuous"),
  ]

  private static let run: [Group] = [
    ("batchSize", "batch bs globalbatchsize minibatch minibatchsize batchsz"),
    ("epochs", "epoch nepochs numepochs maxepochs numtrainepochs"),
    ("steps", "maxsteps numsteps nsteps iterations iters maxiter niter"),
    ("seed", "randomseed randomstate rngseed"), ("optimizer", "opt optim optimiser solver"),
    ("loss", "criterion objective lossfunction losstype"), ("data", "dataset datasets input"),
    ("model", "net network architecture arch"), ("shards", "numshards nshards microshards"),
    (
      "microBatches",
      """
      gradientaccumulation gradientaccumulationsteps accumulationsteps \
      accumulate gradaccum accumulategradbatches
      """
    ),
    ("threads", "numthreads nthreads ompnumthreads workers numworkers cpus"),
    ("precision", "dtype amp mixedprecision fp16 bf16"), ("bfloat16", "bf16 half fp16 float16"),
    ("float32", "fp32 f32 float single"), ("evaluate", "evaluation eval validation validate"),
    ("checkpoint", "checkpoints checkpointing save"), ("everySteps", "every steps interval"),
    ("everyEpochs", "every epochs interval"), ("scoreMetric", "metric monitor score"),
    ("accuracy", "acc top1 binaryaccuracy"),
    ("initialWeights", "pretrained weights init checkpoint"),
    ("freeze", "frozen"), ("unfreeze", "unfrozen unfreezing thaw gradualunfreezing"),
    ("distillation", "distill kd teacher"), ("nonFinite", "nan nanpolicy"),
    ("replicaGuard", "guard"), ("hessianFree", "hf secondorder"), ("wire", "compression"),
    ("stop", "fail raise error"), ("watchdog", "timeout"), ("type", "name nam kind class method"),
  ]

  private static let commands: [Group] = [
    ("train", "fit run learn"), ("evaluate", "test eval score validate"),
    ("predict", "infer inference apply"), ("report", "plot summary summarize show"),
    ("inspect", "info show cat"), ("sweep", "grid tune search gridsearch"),
    ("suggest-clip", "clip suggest"), ("verify", "check compare"), ("benchmark", "bench speed"),
    ("catalog", "list catalogue"), ("schema", "jsonschema"), ("doctor", "check health"),
    ("plan", "scaling cost"),
    ("--run-directory", "out outdir outputdir output dir rundir directory logdir"),
    ("--initial-weights", "weights init pretrained checkpoint"), ("--output", "out o outfile"),
    ("--loss-plot", "plot"), ("--help", "h usage"),
    ("optimizers", "optimisers optim"), ("schedules", "schedulers lrschedules"),
  ]
}
